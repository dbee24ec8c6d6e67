"""How figures are taken: as ratios, the two sides in turn, the best of many short rounds each.

The best round is the one that the rest of the machine disturbed least; taking both sides in turn
lets a slow spell fall on both.
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
    """One line of the table. `measured` and `reach` are ratios unless `unit` says otherwise."""

    what: str
    against: str
    measured: float
    reach: float
    unit: str = "times"
    at_least: bool = False

    @property
    def is_reached(self) -> bool:
        return self.measured >= self.reach if self.at_least else self.measured <= self.reach

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "yes" if self.is_reached else "**no**"
        return (
            f"| {self.what} | {self.against} | {self.measured:.3g} {self.unit} "
            f"| {sign} {self.reach:g} {self.unit} | {verdict} |"
        )


#: A figure is watched for so many seconds, in rounds of a thousandth of one: however busy the
#: machine is, some of them are left alone.
_SECONDS = 4.0
_ROUND_SECONDS = 0.001


def ratio(ours: Callable[[], object], baseline: Callable[[], object]) -> float:
    """How many times as long `ours` takes as `baseline`."""
    one, other = _best(ours, baseline)
    return one / other


def microseconds_more(ours: Callable[[], object], baseline: Callable[[], object]) -> float:
    """How much longer `ours` takes than `baseline`."""
    one, other = _best(ours, baseline)
    return (one - other) * 1e6


def fastest(call: Callable[[], object]) -> float:
    """Seconds that a call takes at its best."""
    return _best(call)[0]


def _best(*sides: Callable[[], object]) -> list[float]:
    """Seconds that one call of each side takes at its best."""
    found = [seconds(side, 10) / 10 for side in sides]
    calls = [max(1, int(_ROUND_SECONDS / took)) for took in found]
    end = time.perf_counter() + _SECONDS
    while time.perf_counter() < end:
        for number, side in enumerate(sides):
            found[number] = min(found[number], seconds(side, calls[number]) / calls[number])
    return found


async def best_awaited(*sides: Callable[[], Awaitable[object]]) -> list[float]:
    """Seconds that one call of each side takes at its best, awaited."""
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
    """Seconds that so many calls take."""
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - begin


@contextmanager
def running_service(*, latency: float = 0.0, tls: bool = False) -> Iterator[service.Address]:
    """A service in a process of its own that answers at once, or after `latency` seconds."""
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
