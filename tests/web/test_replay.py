"""A webhook event is handled once, and again where handling it failed."""

from __future__ import annotations

import logging
import subprocess
import sys
import threading
from functools import partial
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vendo
from vendo import web
from vendo.web import _replay, _replay_stores


class Cache:
    """A cache as frameworks have them. `is_away`: it is down, and says so by falsy values."""

    def __init__(self) -> None:
        self.kept: dict[str, Any] = {}
        self.is_away = False

    def add(self, key: str, value: Any, timeout: float = 0) -> bool | None:
        if self.is_away:
            return None
        return self.kept.setdefault(key, value) is value

    def get(self, key: str) -> Any:
        return None if self.is_away else self.kept.get(key)

    def set(self, key: str, value: Any, timeout: float = 0) -> None:
        if not self.is_away:
            self.kept[key] = value

    def delete(self, key: str) -> None:
        self.kept.pop(key, None)


class BrokenCache:
    """A cache that is down, and raises."""

    def __getattr__(self, name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            raise ConnectionError("redis://:password@cache")

        return fail


@pytest.fixture(params=["memory", "cache"])
def store(request: pytest.FixtureRequest) -> web.ReplayStore:
    return web.ReplayCache() if request.param == "memory" else web.SharedReplayCache(Cache())


def test_an_event_is_handled_once(store: web.ReplayStore) -> None:
    handled: list[str] = []

    for _ in range(2):
        web.handle_once(store, "evt_1", lambda: handled.append("evt_1"))
    web.handle_once(store, "evt_2", lambda: handled.append("evt_2"))
    assert handled == ["evt_1", "evt_2"]


def test_an_event_is_handled_again_where_handling_it_failed_whatever_it_was(
    store: web.ReplayStore,
) -> None:
    def fail() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        web.handle_once(store, "evt_1", fail)
    handled: list[int] = []
    web.handle_once(store, "evt_1", lambda: handled.append(1))
    assert handled == [1]


def test_a_repeat_during_the_first_delivery_is_neither_handled_nor_done(
    store: web.ReplayStore,
) -> None:
    def repeat_and_fail() -> None:
        with pytest.raises(web.EventInProgress) as caught:
            web.handle_once(store, "evt_1", pytest.fail)
        response = web.request_error_response(caught.value)
        assert (response.status, response.headers) == (409, {"Retry-After": "10"})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        web.handle_once(store, "evt_1", repeat_and_fail)
    handled: list[int] = []
    web.handle_once(store, "evt_1", lambda: handled.append(1))
    assert handled == [1]


@pytest.mark.parametrize("cache", [Cache(), BrokenCache()])
def test_a_store_that_is_away_keeps_no_event_from_being_handled(
    cache: Any, caplog: pytest.LogCaptureFixture
) -> None:
    cache.is_away = True
    handled: list[int] = []
    with caplog.at_level(logging.WARNING, "vendo"):
        web.handle_once(web.SharedReplayCache(cache), "evt_1", lambda: handled.append(1))

    assert handled == [1]
    assert "without replay protection" in caplog.text


def test_a_store_that_comes_back_during_the_handling_knows_that_it_is_done() -> None:
    cache = Cache()
    cache.is_away = True

    def come_back() -> None:
        cache.is_away = False

    web.handle_once(web.SharedReplayCache(cache), "evt_1", come_back)
    web.handle_once(web.SharedReplayCache(cache), "evt_1", pytest.fail)


def test_a_lease_of_a_killed_process_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1000.0
    monkeypatch.setattr(_replay_stores, "elapsed", lambda: now)
    store = web.ReplayCache()
    killed = web.Delivery(store, "evt_1")
    killed._renew_in_thread = lambda: None  # type: ignore[method-assign]  # it is killed
    assert killed.begin()
    now += _replay.LEASE_SECONDS - 1
    with pytest.raises(web.EventInProgress):
        web.handle_once(store, "evt_1", pytest.fail)

    now += 2
    handled: list[int] = []
    web.handle_once(store, "evt_1", lambda: handled.append(1))
    assert handled == [1]


def test_a_lease_is_renewed_while_the_event_is_handled(
    store: web.ReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_replay, "LEASE_SECONDS", 0.03)
    renewed = threading.Semaphore(0)
    renew = store.renew
    threads: set[threading.Thread] = set()

    def noting(key: str, value: str, seconds: int) -> bool:
        threads.add(threading.current_thread())
        found = renew(key, value, 60)
        renewed.release()
        return found

    monkeypatch.setattr(store, "renew", noting)

    def wait() -> None:
        for _ in range(3):
            assert renewed.acquire(timeout=30)

    web.handle_once(store, "evt_1", wait)
    (thread,) = threads
    assert not thread.is_alive()


def test_a_lease_that_is_being_renewed_does_not_replace_that_the_event_is_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(_replay, "LEASE_SECONDS", 0.03)
    cache = Cache()
    renewing, go_on = threading.Event(), threading.Event()
    get = cache.get

    def slow_get(key: str) -> Any:
        found = get(key)
        if threading.current_thread().name == "vendo-webhook-lease":
            renewing.set()
            assert go_on.wait(30)
        return found

    monkeypatch.setattr(cache, "get", slow_get)

    def work() -> None:
        assert renewing.wait(30)
        threading.Timer(0.05, go_on.set).start()  # while the delivery ends

    store = web.SharedReplayCache(cache)
    web.handle_once(store, "evt_1", work)
    assert list(cache.kept.values()) == ["done"]


def test_a_lease_that_was_lost_is_left_to_its_new_owner(store: web.ReplayStore) -> None:
    assert store.add("evt_1", "lease a", 60) == "lease a"
    store.put("evt_1", "lease b", 60)

    assert not store.renew("evt_1", "lease a", 60)
    store.discard("evt_1", "lease a")
    assert store.add("evt_1", "lease c", 60) == "lease b"
    assert store.renew("evt_1", "lease b", 60)
    store.discard("evt_1", "lease b")
    assert store.add("evt_1", "lease c", 60) == "lease c"


def test_where_no_thread_can_be_started_the_event_is_handled(
    store: web.ReplayStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    handled: list[int] = []
    web.handle_once(store, "evt_1", lambda: handled.append(1))
    assert handled == [1]


def test_of_many_deliveries_at_once_one_handles(store: web.ReplayStore) -> None:
    begin = threading.Barrier(20)
    done: list[str] = []

    def deliver() -> None:
        begin.wait()
        try:
            web.handle_once(store, "evt_1", lambda: done.append("handled"))
        except web.EventInProgress:
            done.append("in progress")

    threads = [threading.Thread(target=deliver) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.count("handled") == 1


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(1, 5), st.integers(0, 3))))
def test_memory_is_bounded_and_keeps_each_value_for_its_time(
    steps: list[tuple[str, int, int]],
) -> None:
    now = 1000.0
    cache = web.ReplayCache(capacity=3)
    expected: dict[str, tuple[str, float]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_replay_stores, "elapsed", lambda: now)
        for number, (key, seconds, pause) in enumerate(steps):
            now += pause
            kept, until = expected.get(key, ("", 0.0))
            found = cache.add(key, str(number), seconds)
            if until > now and key in cache._kept:
                assert found in {kept, str(number)}
            if found == str(number):
                expected[key] = (found, now + seconds)
            assert len(cache._kept) <= 3


def test_the_oldest_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    cache = web.ReplayCache(capacity=8)
    for number in range(9):
        cache.add(str(number), "done", 60)

    assert list(cache._kept) == [str(number) for number in range(2, 9)]


async def _async_work() -> None:
    raise AssertionError


def test_a_handler_that_is_async_is_refused_and_the_event_handled_later(
    store: web.ReplayStore,
) -> None:
    for work in (_async_work, partial(_async_work)):
        with pytest.raises(vendo.ValidationError, match="something to await"):
            web.handle_once(store, "evt_1", work)
    handled: list[int] = []
    web.handle_once(store, "evt_1", lambda: handled.append(1))
    assert handled == [1]


@pytest.mark.parametrize("cache", [None, 5, "redis://:canary@127.0.0.1", object()])
def test_what_is_not_a_cache_is_refused(cache: Any) -> None:
    with pytest.raises(vendo.ValidationError, match="is not a cache") as caught:
        web.SharedReplayCache(cache)
    assert "canary" not in str(caught.value)


def test_a_cache_that_says_that_it_kept_nothing_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Full(Cache):
        def set(self, key: str, value: Any, timeout: float = 0) -> bool:  # type: ignore[override]
            return False

    with caplog.at_level(logging.WARNING):
        web.handle_once(web.SharedReplayCache(Full()), "evt_1", lambda: None)
    assert "did not keep" in caplog.text


def test_an_operator_sees_the_records_without_any_logging_set_up() -> None:
    program = """
from vendo.web import SharedReplayCache, handle_once

class Cache:
    def fail(self, *_, **__):
        raise ConnectionError("The cache is down.")

    add = get = set = delete = fail

handle_once(SharedReplayCache(Cache()), "evt_1", lambda: None)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert "The replay store failed: ConnectionError: The cache is down." in done.stderr
    assert "without replay protection" in done.stderr
