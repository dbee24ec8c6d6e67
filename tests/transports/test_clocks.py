"""A token expires by the clock that runs through suspend, or by the wall clock."""

from __future__ import annotations

import datetime as dt
import time
from typing import TYPE_CHECKING, Any

import freezegun
import pytest
import time_machine

from support.ways import Way, run
from vendo._protocol import moments
from vendo._protocol.moments import Moment, elapsed
from vendo._tokens import cache as token_cache
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

HOUR = 3600.0


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    # Another server may have had the same port.
    token_cache.shared.clear()


def freezing(seconds: float) -> AbstractContextManager[Any]:
    moved = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=seconds)
    return freezegun.freeze_time(moved)


def traveling(seconds: float) -> AbstractContextManager[Any]:
    return time_machine.travel(time.time() + seconds)


@pytest.fixture(params=[freezing, traveling], ids=["freezegun", "time-machine"])
def moved(request: pytest.FixtureRequest) -> Callable[[float], AbstractContextManager[Any]]:
    """Move the time by some seconds, as a user's test does."""
    move: Callable[[float], AbstractContextManager[Any]] = request.param
    return move


def fetches(server: LocalVendo, way: Way, times: int = 1) -> int:
    """Return the number of requests that a token costs."""
    before = server.count("credentials")
    for _ in range(times):
        run(way, server._addresses(), lambda client: client.token("gmail"))
    return server.count("credentials") - before


def test_expired_token_is_not_served_after_suspend(
    server: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetches(server, way) == 1
    monotonic, stopped = time.monotonic, 2 * HOUR  # it stood still, and the other clock did not
    monkeypatch.setattr(time, "monotonic", lambda: monotonic() - stopped)
    monkeypatch.setattr(token_cache.shared, "_clock", lambda: elapsed() + stopped)

    assert fetches(server, way) == 1


def test_expired_token_is_not_served_on_a_machine_whose_clocks_stood_still(
    server: LocalVendo, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert fetches(server, way) == 1
    for entry in token_cache.shared._entries.values():
        entry.check_at += 2 * HOUR
        entry.refresh_at += 2 * HOUR  # as if `elapsed` had been set back by that
        entry.wait_from += 2 * HOUR
        entry.expires_at += 2 * HOUR
        entry.wall_offset -= 2 * HOUR
    assert fetches(server, way, 2) == 0
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 2 * HOUR)

    assert fetches(server, way) == 1


def test_time_that_a_test_moves_expires_a_token(
    server: LocalVendo, way: Way, moved: Callable[[float], AbstractContextManager[Any]]
) -> None:
    assert fetches(server, way) == 1
    with moved(HOUR / 2):
        assert fetches(server, way) == 0
    with moved(2 * HOUR):
        assert fetches(server, way, 2) == 1


@pytest.mark.parametrize("years", [-14, 14])
def test_token_fetched_at_another_time_is_not_kept_for_years(
    server: LocalVendo,
    way: Way,
    moved: Callable[[float], AbstractContextManager[Any]],
    years: int,
) -> None:
    with moved(years * 365 * 24 * HOUR):
        assert fetches(server, way, 2) == 1

    url = server._addresses()["credentials_url"]
    kept = [e.expires_at for key, e in token_cache.shared._entries.items() if key[0] == url]
    assert max(kept) < elapsed() + HOUR + 60
    # A wall clock that is set forward costs a fetch, and one that is set back does not.
    assert fetches(server, way, 2) == (1 if years < 0 else 0)


def test_wall_clock_that_is_set_back_changes_nothing(
    server: LocalVendo, way: Way, moved: Callable[[float], AbstractContextManager[Any]]
) -> None:
    assert fetches(server, way) == 1
    with moved(-24 * HOUR):
        assert fetches(server, way, 2) == 0
    assert fetches(server, way) == 0


def test_fake_time_that_ticks_expires_a_token(server: LocalVendo) -> None:
    with freezegun.freeze_time() as frozen, server.client() as client:
        first = client.token("gmail")
        frozen.tick(2 * HOUR)
        assert client.token("gmail") != first  # the local server follows


def test_idle_connection_is_not_reused_after_suspend(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.client() as client:
        client.token("gmail")
        monkeypatch.setattr(moments, "elapsed", lambda: elapsed() + 61)
        client.token("slack")

    assert server.connections_opened == 2


def test_age_is_the_greater_of_both_clocks(monkeypatch: pytest.MonkeyPatch) -> None:
    moment = Moment()
    assert 0 <= moment.age() < 10
    monkeypatch.setattr(moments, "elapsed", lambda: elapsed() + 100)
    assert 100 <= moment.age() < 110
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 500)
    assert 500 <= moment.age() < 510
    assert repr(moment).endswith(" s ago>")


def test_system_without_such_a_clock_has_the_monotonic_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(time, "CLOCK_BOOTTIME", raising=False)
    monkeypatch.delattr(time, "CLOCK_MONOTONIC", raising=False)

    assert moments._running_clock() is time.monotonic
