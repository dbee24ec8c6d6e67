"""How figures are taken: as ratios, the two sides in turn, the best of many rounds each.

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
    from collections.abc import Callable, Iterator


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


def ratio(
    ours: Callable[[], object], baseline: Callable[[], object], *, calls: int, rounds: int = 15
) -> float:
    """How many times as long `ours` takes as `baseline`."""
    best_ours = best_baseline = float("inf")
    for _ in range(rounds):
        best_ours = min(best_ours, seconds(ours, calls))
        best_baseline = min(best_baseline, seconds(baseline, calls))
    return best_ours / best_baseline


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
