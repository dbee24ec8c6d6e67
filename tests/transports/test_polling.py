"""Watches without a stream: they compare the list of connections."""

from __future__ import annotations

import contextlib
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from support.watches import until
from vendo._client import change_source, watched_tokens
from vendo._client.change_source import ChangeSource, Poller
from vendo.errors import AuthError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendo import Vendo
    from vendo.testing import LocalVendo


class Heard:
    """Notes what it hears of."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, str]] = []
        self.misses = 0

    def changed(self, kind: str, slug: str) -> None:
        self.changes.append((kind, slug))

    def missed(self) -> None:
        self.misses += 1


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def poller(server: LocalVendo, heard: Heard) -> Iterator[Poller]:
    with server.client() as client:
        yield Poller(client, heard, is_behind=True)


def test_each_change_of_a_row_is_told_once(
    server: LocalVendo, heard: Heard, poller: Poller
) -> None:
    poller.poll()
    assert (heard.misses, heard.changes) == (1, [])
    changes: list[tuple[Callable[[], object], str]] = [
        (lambda: server.rotate("gmail"), "connection.changed"),
        (lambda: server.rotate("gmail"), "connection.changed"),
        (lambda: server.set_status("gmail", "needs_reauth"), "connection.status_changed"),
        (lambda: server.connect("gmail"), "connection.changed"),
        (lambda: server.disconnect("gmail"), "connection.status_changed"),
    ]
    for change, kind in changes:
        heard.changes.clear()
        change()
        poller.poll()
        assert heard.changes == [(kind, "gmail")]
        poller.poll()
        assert heard.changes == [(kind, "gmail")]
    assert heard.misses == 1


def test_a_failing_backend_is_asked_again_later(
    server: LocalVendo, heard: Heard, poller: Poller
) -> None:
    poller.poll()
    for fault in ({"status": 503}, {"reset": True}, {"status": 429, "retry_after": 90}):
        server.fail("api", times=None, **fault)
        pause = poller.poll()
        assert pause >= (90 if "retry_after" in fault else 20)
        server.heal()
    server.rotate("gmail")
    poller.poll()
    assert heard.changes == [("connection.changed", "gmail")]


def test_the_variable_of_connected_slugs_is_not_taken_for_a_change(
    server: LocalVendo, heard: Heard, poller: Poller, monkeypatch: pytest.MonkeyPatch
) -> None:
    poller.poll()
    monkeypatch.setenv("VENDO_CONNECTIONS", "slack")
    server.fail("api", 503, times=None)
    poller.poll()
    assert heard.changes == []


def test_a_rejected_key_ends_it(server: LocalVendo, poller: Poller) -> None:
    server.revoke_key()
    with pytest.raises(AuthError):
        poller.poll()


def test_the_pauses_differ(poller: Poller) -> None:
    pauses = [poller.poll() for _ in range(20)]
    assert 20 < min(pauses) < max(pauses) < 45
    assert max(pauses) - min(pauses) > 2


def has_listed_again(server: LocalVendo, lists: int) -> bool:
    return server.count("api") > lists


@contextlib.contextmanager
def all_streams_open(client: Vendo, server: LocalVendo) -> Iterator[list[Any]]:
    """Have five streams open in other processes: here they are subscriptions."""
    from threading import Thread

    streams = [client.events.subscribe() for _ in range(5)]
    readers = [Thread(target=list, args=[stream]) for stream in streams]
    for reader in readers:
        reader.start()
    server.wait_for_streams(5)
    try:
        yield streams
    finally:
        for stream in streams:
            stream.close()
        for reader in readers:
            reader.join(10)


def test_a_watch_without_a_stream_polls_and_takes_one_that_becomes_free(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_source, "POLL_SECONDS", 0.05)
    with (
        server.client() as client,
        all_streams_open(client, server) as streams,
        client.events.watch() as watch,
    ):
        until(lambda: watch.mode == "polling")
        old = client.token("gmail")
        new = server.rotate("gmail")
        until(lambda: client.token("gmail") == new)
        streams[0].close()
        until(lambda: watch.mode == "stream")
        assert old != new
        new = server.rotate("gmail")
        until(lambda: client.token("gmail") == new)
    assert watch.mode == "stopped"


def test_a_change_between_the_last_poll_and_the_stream_is_noticed(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_source, "POLL_SECONDS", 0.2)
    with (
        server.client() as client,
        all_streams_open(client, server) as streams,
        client.events.watch() as watch,
    ):
        until(lambda: watch.mode == "polling" and server.count("api") > 1)
        client.token("gmail")
        with server.hold("events") as gate:
            streams[0].close()
            gate.wait_for(1)
            new = server.rotate("gmail")  # the watch is about to open its stream
        until(lambda: client.token("gmail") == new)
        until(lambda: watch.mode == "stream")


def test_a_change_while_the_stream_is_away_is_noticed_without_an_earlier_event(
    server: LocalVendo,
) -> None:
    with server.client() as client, client.events.watch():
        server.wait_for_streams(1)
        until(lambda: server.count("api") == 1)  # the list that a later one is compared with
        client.token("gmail")
        server.stop()
        new = server.rotate("gmail")  # no client has an id after which to ask for it
        server.start()
        until(lambda: client.token("gmail") == new)


def test_a_stream_that_breaks_costs_no_fetch(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_tokens, "MISSED_SECONDS", 1e6)  # for the first one
    with server.client() as client, client.events.watch():
        server.wait_for_streams(1)
        until(lambda: server.count("api") == 1)
        client.token("gmail")
        for _ in range(2):
            lists = server.count("api")
            server.stop()
            server.start()
            until(partial(has_listed_again, server, lists))
        client.token("gmail")
        assert server.count("credentials") == 1


def test_a_change_before_the_first_stream_is_open_is_noticed(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_source, "_SOON", 0.0)
    monkeypatch.setattr(watched_tokens, "MISSED_SECONDS", 0.1)
    with server.client() as client, server.hold("events") as gate, client.events.watch():
        client.token("gmail")
        gate.wait_for(1)
        new = server.rotate("gmail")
        gate.release()
        until(lambda: client.token("gmail") == new)


@pytest.mark.parametrize("status", [302, 402, 403, 404, 408, 429, 503])
def test_a_list_that_is_not_there_ends_nothing(
    status: int, server: LocalVendo, heard: Heard, poller: Poller
) -> None:
    with contextlib.ExitStack() as faults:
        server.fail("api", status, times=None)
        faults.callback(server.heal)
        poller.catch_up()
        assert heard.misses == 1
    poller.catch_up()
    assert heard.misses == 2  # it has no list to compare this one with


def test_a_change_before_the_first_list_is_told_as_missed(server: LocalVendo, heard: Heard) -> None:
    with server.client() as client:
        poller = Poller(client, heard, is_behind=False)
        server.fail("api", 503, times=None)
        poller.poll()
        server.heal()
        server.rotate("gmail")
        poller.poll()
        assert (heard.misses, heard.changes) == (1, [])


@contextlib.contextmanager
def reading(client: Vendo, heard: Heard, position: str | None) -> Iterator[ChangeSource]:
    from threading import Thread

    source = ChangeSource(client, heard, position)
    thread = Thread(target=source.run)
    thread.start()
    try:
        yield source
    finally:
        source.close()
        thread.join(60)


def test_the_next_source_goes_on_from_the_list_of_the_one_before(
    server: LocalVendo, heard: Heard
) -> None:
    with server.client() as client:
        with reading(client, heard, None) as source:
            until(lambda: server.count("api") == 1)
            server.wait_for_streams(1)
        position = source.position
        with reading(client, heard, position) as source:
            until(lambda: server.count("api") == 2)
            server.wait_for_streams(1)
        assert (heard.misses, source.position) == (0, position)

        server.rotate("gmail")  # while nobody reads
        with reading(client, heard, position):
            until(lambda: heard.misses == 1)
        assert heard.changes == []


def test_the_next_source_goes_on_from_the_event_of_the_one_before(
    server: LocalVendo, heard: Heard
) -> None:
    with server.client() as client:
        with reading(client, heard, None) as source:
            server.wait_for_streams(1)
            server.rotate("gmail")
            until(lambda: len(heard.changes) == 1)
        server.rotate("gmail")
        with reading(client, heard, source.position):
            until(lambda: len(heard.changes) == 2)
        assert heard.misses == 0


@pytest.mark.parametrize("status", [200, 403, 404])
def test_a_page_in_place_of_the_stream_is_no_end(
    status: int, server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(change_source, "POLL_SECONDS", 0.05)
    server.fail("events", status, html=True, times=None)
    with server.client() as client, client.events.watch() as watch:
        until(lambda: watch.mode == "polling")
        old = client.token("gmail")
        new = server.rotate("gmail")
        until(lambda: client.token("gmail") == new)
        server.heal()
        until(lambda: watch.mode == "stream")
    assert old != new


def test_tokens_that_are_older_than_the_watch_are_fetched_again(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watched_tokens, "_SOON", 0.0)
    monkeypatch.setattr(watched_tokens, "MISSED_SECONDS", 0.1)
    with server.client() as client:
        client.token("gmail")
        new = server.rotate("gmail")  # nobody watches
        with client.events.watch():
            until(lambda: client.token("gmail") == new)


def test_a_change_that_could_not_be_told_is_told_by_the_next_poller(
    server: LocalVendo, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: str) -> None:
        raise ConnectionError("Redis is away")

    with server.client() as client:
        poller = Poller(client, heard, is_behind=True)
        poller.poll()
        known = poller.digest
        server.rotate("gmail")
        with monkeypatch.context() as broken:
            broken.setattr(heard, "changed", fail)
            with pytest.raises(ConnectionError):
                poller.poll()
        assert poller.digest == known
        Poller(client, heard, is_behind=True, known=known).poll()
        assert heard.misses == 2
        poller.poll()
        assert heard.changes == [("connection.changed", "gmail")]
