"""Take figures as medians: two sides in turn, in many short rounds.

Each round takes all sides one after the other and gives one value, a ratio or a difference. So a
slow phase of the machine affects both sides of a value. The order changes with each round, since
the side that goes first is the slower one where both are the same. A figure is the median of the
values, and its spread are their quartiles.
"""

from __future__ import annotations

import os
import statistics
import time
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import service

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Iterator


class Spread(NamedTuple):
    """The median of some values, between their quartiles."""

    low: float
    median: float
    high: float

    @property
    def is_exact(self) -> bool:
        return self.low == self.high

    def __str__(self) -> str:
        return "exact" if self.is_exact else f"{self.low:.3g} to {self.high:.3g}"


def spread(values: Iterable[float]) -> Spread:
    """Return the median of values, and their quartiles."""
    return Spread(*statistics.quantiles(values, n=4, method="inclusive"))


def exactly(value: float) -> Spread:
    """Return a value that is the same each time, such as a number of requests."""
    return Spread(value, value, value)


@dataclass(frozen=True)
class Figure:
    """One line of the table. `measured` and `limit` are ratios unless `unit` is set.

    The limit is for the median.
    """

    what: str
    against: str
    measured: Spread
    limit: float
    unit: str = "times"
    at_least: bool = False

    @property
    def is_within_limit(self) -> bool:
        return self._allows(self.measured.median)

    def _allows(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit

    @property
    def median(self) -> str:
        """The median in three digits, or in as many as it takes to see on which side it is."""
        for digits in range(3, 17):
            text = f"{self.measured.median:.{digits}g}"
            if self._allows(float(text)) == self.is_within_limit:
                break
        return text

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        verdict = "yes" if self.is_within_limit else "**no**"
        median = f"{self.median} {self.unit}".strip()
        limit = f"{sign} {self.limit:g} {self.unit}".strip()
        return (
            f"| {self.what} | {self.against} | {median} | {self.measured} | {limit} | {verdict} |"
        )


#: A figure is taken for so many seconds, in rounds of a millisecond a side.
_SECONDS = 4.0
_ROUND_SECONDS = 0.001


def ratio(ours: Callable[[], object], baseline: Callable[[], object]) -> Spread:
    """Return the time of `ours` divided by that of `baseline`."""
    return spread(one / other for one, other in rounds(ours, baseline))


def microseconds_more(ours: Callable[[], object], baseline: Callable[[], object]) -> Spread:
    """Return how many microseconds longer `ours` takes than `baseline`."""
    return spread((one - other) * 1e6 for one, other in rounds(ours, baseline))


def rounds(*sides: Callable[[], object]) -> list[list[float]]:
    """Return the seconds of one call of each side, for each round."""
    calls = [_calls_in_a_round(seconds(side, 10) / 10) for side in sides]
    found = []
    end = time.perf_counter() + _SECONDS
    order = list(range(len(sides)))
    while time.perf_counter() < end:
        order.reverse()
        took = {i: seconds(sides[i], calls[i]) / calls[i] for i in order}
        found.append([took[i] for i in range(len(sides))])
    return found


async def awaited_rounds(*sides: Callable[[], Awaitable[object]]) -> list[list[float]]:
    """Return the seconds of one awaited call of each side, for each round."""
    calls = [_calls_in_a_round(await awaited_seconds(side, 10) / 10) for side in sides]
    found = []
    end = time.perf_counter() + _SECONDS
    order = list(range(len(sides)))
    while time.perf_counter() < end:
        order.reverse()
        took = {i: await awaited_seconds(sides[i], calls[i]) / calls[i] for i in order}
        found.append([took[i] for i in range(len(sides))])
    return found


def _calls_in_a_round(took: float) -> int:
    return max(1, int(_ROUND_SECONDS / took))


def seconds(call: Callable[[], object], calls: int = 1) -> float:
    """Return the seconds of so many calls."""
    begin = time.perf_counter()
    for _ in range(calls):
        call()
    return time.perf_counter() - begin


async def awaited_seconds(call: Callable[[], Awaitable[object]], calls: int = 1) -> float:
    """Return the seconds of so many awaited calls, one after the other."""
    begin = time.perf_counter()
    for _ in range(calls):
        await call()
    return time.perf_counter() - begin


def clean_environment(**environment: str) -> dict[str, str]:
    """Return this environment without what configures vendo or Python, and with these variables."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("VENDO_", "PYTHOND"))}
    return {**kept, **environment}


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
