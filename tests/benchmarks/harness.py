"""Take figures as ratios: two sides in turn, the best of many short rounds each.

The best round is the least disturbed one. Both sides run in turn, so that a slow phase of the
machine affects both.
"""

from __future__ import annotations

import time
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks import service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator


@dataclass(frozen=True)
class Figure:
    """One line of the table. `measured` and `limit` are ratios unless `unit` is set."""

    what: str
    against: str
    measured: float
    limit: float
    unit: str = "times"
    at_least: bool = False

    @property
    def is_within_limit(self) -> bool:
        return self.measured >= self.limit if self.at_least else self.measured <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "yes" if self.is_within_limit else "**no**"
        return (
            f"| {self.what} | {self.against} | {self.measured:.3g} {self.unit} "
            f"| {sign} {self.limit:g} {self.unit} | {verdict} |"
        )


#: A figure is taken for so many seconds, in rounds of a millisecond: even on a busy machine, some
#: of them are undisturbed.
_SECONDS = 4.0
_ROUND_SECONDS = 0.001


def ratio(ours: Callable[[], object], baseline: Callable[[], object]) -> float:
    """Return the time of `ours` divided by that of `baseline`."""
    one, other = _best(ours, baseline)
    return one / other


def microseconds_more(ours: Callable[[], object], baseline: Callable[[], object]) -> float:
    """Return how many microseconds longer `ours` takes than `baseline`."""
    one, other = _best(ours, baseline)
    return (one - other) * 1e6


def fastest(call: Callable[[], object]) -> float:
    """Return the seconds of a call, at its best."""
    return _best(call)[0]


def _best(*sides: Callable[[], object]) -> list[float]:
    """Return the seconds of one call of each side, at its best."""
    found = [seconds(side, 10) / 10 for side in sides]
    calls = [max(1, int(_ROUND_SECONDS / took)) for took in found]
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        for number, side in enumerate(sides):
            found[number] = min(found[number], seconds(side, calls[number]) / calls[number])
    return found


async def best_awaited(*sides: Callable[[], Awaitable[object]]) -> list[float]:
    """Return the seconds of one awaited call of each side, at its best."""
    found = [await _seconds_awaited(side, 10) / 10 for side in sides]
    calls = [max(1, int(_ROUND_SECONDS / took)) for took in found]
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        for number, side in enumerate(sides):
            took = await _seconds_awaited(side, calls[number]) / calls[number]
            found[number] = min(found[number], took)
    return found


async def _seconds_awaited(call: Callable[[], Awaitable[object]], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        await call()
    return time.perf_counter() - begin


def seconds(call: Callable[[], object], calls: int = 1) -> float:
    """Return the seconds of so many calls."""
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - begin


@contextmanager
def running_service(*, latency: float = 0.0, tls: bool = False) -> Iterator[service.Address]:
    """Run a service in its own process that responds immediately or after `latency` seconds."""
    with TemporaryDirectory() as folder:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(
            target=service.serve, args=(theirs, folder, latency, tls), daemon=True
        )
        process.start()
        try:
            yield ours.recv()
        finally:
            process.terminate()
            process.join()
