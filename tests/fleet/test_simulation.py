"""What a fleet asks of the credentials service, and that the page says it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from fleet.simulation import Fleet, requests_of_a_day
from vendo._client.change_source import POLL_SECONDS

pytestmark = pytest.mark.slow

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


def test_page_says_how_many_requests_a_fleet_makes() -> None:
    for row in rows_of(0):
        n, *counts, polls = map(number, row)
        # Processes do not know of each other: a hundred thousand are a hundred times a thousand.
        size, times = (1000, 100) if n == 100_000 else (int(n), 1)
        ways = [(HOUR, 0), (HOUR, 4), (None, 0), (None, 4)]
        found = [simulated(size, lifetime, restarts) * times for lifetime, restarts in ways]

        assert counts == pytest.approx(found, rel=0.03, abs=1)
        assert polls == max(n - STREAMS, 0) * DAY / POLL_SECONDS


def test_a_hundred_thousand_processes_are_a_hundred_times_a_thousand() -> None:
    sent = []
    for n in (1000, 100_000):
        fleet = Fleet(HOUR)
        with fleet.clock():
            fleet.start(n, within=5.0)
            fleet.run(HOUR)
        sent.append(fleet.sent(0, HOUR))
    assert sent[1] == pytest.approx(100 * sent[0], rel=0.02)


def settled(lifetime: float | None) -> dict[str, float]:
    """Return the requests a second of a thousand processes, in good and in bad days."""
    fleet = Fleet(lifetime)
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


@pytest.mark.parametrize("lifetime", [HOUR, None], ids=["hour", "undated"])
def test_requests_are_spread_and_a_change_costs_one_each(lifetime: float | None) -> None:
    found = settled(lifetime)

    # No caller waits for these.
    for when in ("after the start", "after the change", "outage", "after the outage"):
        assert found[when] < 10 * found["mean"], when
    assert found["start"] * 5 == pytest.approx(1000, abs=5)
    assert found["change"] * 2 == pytest.approx(1000, abs=150)  # the calls are 0.2 s apart
    if lifetime == HOUR:  # the page has these figures
        said = [number(row[1]) for row in rows_of(1)]
        names = ("mean", "start", "change", "after the change", "outage", "after the outage")
        assert said == pytest.approx([found[name] for name in names], rel=0.2)
