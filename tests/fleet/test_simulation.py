"""What a fleet asks of the credentials service, and that the page says it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from fleet.simulation import Fleet, requests_of_a_day
from vendo._client.change_source import POLL_SECONDS

HOUR, DAY = 3600.0, 86400.0
STREAMS = 5
PAGE = (Path(__file__).parents[2] / "docs" / "fleet.md").read_text()


def rows_of(number: int) -> list[list[str]]:
    """Return the rows of a table of the page that is computed here."""
    table = PAGE.split("<!-- simulated -->")[number + 1].split("\n\n")[0]
    return [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in table.splitlines()[1:]
        if line.startswith("|") and not re.fullmatch(r"[|:-]+", line)
    ][1:]


def number(text: str) -> float:
    return float(text.replace(",", ""))


@cache
def simulated(n: int, lifetime: float | None, restarts: int) -> int:
    return requests_of_a_day(Fleet(lifetime), n, restarts=restarts)


@pytest.mark.parametrize("row", rows_of(0), ids=lambda row: row[0])
def test_page_says_how_many_requests_a_fleet_makes(row: list[str]) -> None:
    n, *counts, polls = map(number, row)
    # Processes do not know of each other: a hundred thousand are a hundred times a thousand.
    size, times = (1000, 100) if n == 100_000 else (int(n), 1)
    ways = [(HOUR, 0), (HOUR, 4), (None, 0), (None, 4)]
    found = [simulated(size, lifetime, restarts) * times for lifetime, restarts in ways]

    assert counts == pytest.approx(found, rel=0.03, abs=1)
    assert polls == max(n - STREAMS, 0) * DAY / POLL_SECONDS


@pytest.mark.slow
def test_a_hundred_thousand_processes_are_a_hundred_times_a_thousand() -> None:
    sent = []
    for n in (1000, 100_000):
        fleet = Fleet(HOUR)
        with fleet.clock():
            fleet.start(n, within=5.0)
            fleet.run(HOUR)
        sent.append(fleet.sent(0, HOUR))
    assert sent[1] == pytest.approx(100 * sent[0], rel=0.02)


@pytest.fixture(scope="module", params=[HOUR, None], ids=["hour", "undated"])
def settled(request: pytest.FixtureRequest) -> dict[str, float]:
    """Requests a second of a thousand processes, in good and in bad days."""
    fleet = Fleet(request.param)
    found: dict[str, float] = {}
    with fleet.clock():
        fleet.start(1000, within=5.0)
        fleet.run(2 * DAY)
        found["mean"] = fleet.mean(DAY, 2 * DAY)
        found["start"] = fleet.mean(0, 5)
        found["after the start"] = fleet.peak(60, 2 * DAY)
        begin = fleet.now
        fleet.change(spread=2.0)
        fleet.run(begin + DAY)
        found["change"] = fleet.mean(begin, begin + 2)
        found["after the change"] = fleet.peak(begin + 60, begin + DAY)
        begin = fleet.now
        fleet.is_away = True
        fleet.run(begin + 600)
        fleet.is_away = False
        fleet.run(begin + DAY)
        found["outage"] = fleet.peak(begin, begin + 600)
        found["after the outage"] = fleet.peak(begin + 600, begin + DAY)
    return found


@pytest.mark.parametrize(
    "when", ["after the start", "after the change", "outage", "after the outage"]
)
def test_requests_that_no_caller_waits_for_are_spread(when: str, settled: dict[str, float]) -> None:
    assert settled[when] < 10 * settled["mean"]


def test_no_process_asks_twice_for_a_change(settled: dict[str, float]) -> None:
    assert settled["start"] * 5 == pytest.approx(1000, abs=5)
    assert settled["change"] * 2 == pytest.approx(1000, abs=150)  # the calls are 0.2 s apart


@pytest.mark.parametrize("settled", [HOUR], indirect=True, ids=["hour"])
def test_page_says_how_they_are_spread(settled: dict[str, float]) -> None:
    said = [number(row[1]) for row in rows_of(1)]
    names = ("mean", "start", "change", "after the change", "outage", "after the outage")
    assert said == pytest.approx([settled[name] for name in names], rel=0.2)
