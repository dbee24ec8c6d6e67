"""A webhook event is handled once, and again where handling it failed."""

from __future__ import annotations

from typing import Any

import pytest

from vendo import web
from vendo.web import _replay


def test_an_event_is_handled_once_and_again_where_handling_it_failed() -> None:
    cache = web.ReplayCache()

    assert cache.claim("evt_1")
    assert not cache.claim("evt_1")
    cache.release("evt_1")
    assert cache.claim("evt_1")


def test_ids_are_bounded_in_number_and_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(_replay, "elapsed", lambda: now)
    cache = web.ReplayCache(10.0, capacity=3)
    for number in range(5):
        cache.claim(str(number))

    assert list(cache._until) == ["2", "3", "4"]
    now += 11
    assert cache.claim("4")
    assert list(cache._until) == ["4"]


class Cache:
    def __init__(self) -> None:
        self.kept: dict[str, float] = {}

    def add(self, key: str, value: Any, timeout: float = 0) -> bool:
        return self.kept.setdefault(key, timeout) == timeout and len(self.kept) == 1

    def delete(self, key: str) -> None:
        del self.kept[key]


@pytest.mark.parametrize("event_id", ["evt_1", "evt 2\n", "é" * 300, "\ud800"])
def test_a_shared_cache_gets_keys_that_any_cache_accepts(event_id: str) -> None:
    cache = Cache()
    claims = web.SharedReplayCache(cache)

    assert claims.claim(event_id)
    (key,) = cache.kept
    assert key.isascii()
    assert len(key) < 100
    claims.release(event_id)
    assert not cache.kept


def test_an_event_is_handled_once() -> None:
    handled: list[str] = []
    claims = web.ReplayCache()

    for _ in range(2):
        web.handle_once(claims, "evt_1", lambda: handled.append("evt_1"))
    assert handled == ["evt_1"]


def test_a_failure_releases_the_claim_whatever_it_is() -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    claims = web.ReplayCache()
    with pytest.raises(KeyboardInterrupt):
        web.handle_once(claims, "evt_1", fail)
    assert claims.claim("evt_1")
