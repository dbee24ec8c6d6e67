"""Event streams for blocking code, over real connections."""

from __future__ import annotations

import gc
import time
from contextlib import contextmanager
from threading import Event, Semaphore, Thread
from typing import TYPE_CHECKING, Any

import pytest

from support.flows import JWT
from vendo import (
    AuthError,
    NotConnected,
    UpstreamError,
    ValidationError,
    Vendo,
    VendoError,
    VendoOnlyFeature,
)
from vendo._protocol import subscription
from vendo._protocol.moments import elapsed
from vendo._transports import blocking_stream, connection
from vendo._transports.blocking_stream import BlockingStream
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "FIRST_BACKOFF", 0.01)


@contextmanager
def beside(*calls: Callable[[], object]) -> Iterator[None]:
    """Make calls one after the other in a thread while the test waits for events."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            for call in calls:
                call()
        except BaseException as error:  # noqa: BLE001  # the test's own thread raises it
            failures.append(error)

    thread = Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        thread.join(20)
    assert not thread.is_alive()
    if failures:
        raise failures[0]


def emitting(server: LocalVendo, kind: str) -> list[Callable[[], object]]:
    """Return the calls that emit an event once a stream is open."""
    return [lambda: server.wait_for_streams(1), lambda: server.emit(kind)]


def test_events_are_delivered_in_order_and_once_under_canonical_names(server: LocalVendo) -> None:
    def act() -> None:
        server.wait_for_streams(1)
        server.connect("notion")
        server.rotate("notion")
        server.set_status("notion", "needs_reauth")
        server.disconnect("notion")
        server.set_balance(7)

    with server.client() as client, client.events.subscribe() as events, beside(act):
        seen = [next(events) for _ in range(5)]

    assert [event.type for event in seen] == [
        "connection.connected",
        "connection.changed",
        "connection.status_changed",
        "connection.disconnected",
        "billing.balance_changed",
    ]
    assert [event.slug for event in seen] == ["notion"] * 4 + [None]
    assert seen[2].data["status"] == "needs_reauth"
    assert seen[4].data["remaining_micros"] == 7
    assert len({event.id for event in seen}) == 5
    server.wait_for_streams(0)


def test_broken_stream_resumes_after_the_last_received_event(server: LocalVendo) -> None:
    with server.client() as client, client.events.subscribe() as events:
        with beside(*emitting(server, "a.first")):
            first = next(events)
        server.stop()
        server.start()
        server.emit("a.second")
        assert next(events).type == "a.second"

    requests = [request for request in server.requests if request.surface == "events"]
    assert requests[-1].headers["Last-Event-ID"] == first.id


def test_event_of_a_reset_stream_is_delivered_once(
    server: LocalVendo,
) -> None:
    event = 'id: evt_{0}\nevent: a.{0}\ndata: {{"id": "evt_{0}", "kind": "a.{0}"}}\n\n'
    whole = event.format(1) + event.format(2)
    server.fail("events", body=whole, truncate=len(whole) - 3)
    server.fail("events", body=whole)
    server.fail("events", 204)
    with server.client() as client, client.events.subscribe() as events:
        assert [event.type for event in events] == ["a.1", "a.2"]

    requests = [request for request in server.requests if request.surface == "events"]
    assert [request.headers.get("Last-Event-ID") for request in requests] == [
        None,
        "evt_1",
        "evt_2",
    ]


def test_any_failure_to_connect_is_retried(server: LocalVendo) -> None:
    server.fail("events", reset=True)
    server.fail("events", body="id: 1\nevent: a.1\ndata: {}\n\n", reset_after=3)
    server.fail("events", 502, truncate=2)
    server.fail("events", 204)
    with server.client() as client, client.events.subscribe() as events:
        assert list(events) == []

    assert server.count("events") == 4


def test_backend_that_starts_later_is_waited_for(server: LocalVendo) -> None:
    server.stop()
    with (
        server.client() as client,
        client.events.subscribe() as events,
        beside(server.start, *emitting(server, "a.b")),
    ):
        assert next(events).type == "a.b"


def test_204_ends_the_iteration(server: LocalVendo) -> None:
    server.fail("events", 204)
    with server.client() as client, client.events.subscribe() as events:
        assert list(events) == []
        assert list(events) == []

    assert server.count("events") == 1


@pytest.mark.parametrize(
    ("code", "cls"), [("app_revoked", AuthError), ("binding_missing", NotConnected)]
)
def test_permanent_error_is_raised_and_ends_the_iteration(
    server: LocalVendo, code: str, cls: type[VendoError]
) -> None:
    server.fail("events", code=code)
    with server.client() as client, client.events.subscribe() as events:
        with pytest.raises(cls) as caught:
            next(events)
        assert caught.value.code == code
        assert list(events) == []


@pytest.mark.parametrize("status", [429, 500, 503])
def test_temporary_failure_is_retried(server: LocalVendo, status: int) -> None:
    server.fail("events", status, times=3)
    with (
        server.client() as client,
        client.events.subscribe() as events,
        beside(*emitting(server, "a.b")),
    ):
        assert next(events).type == "a.b"

    assert server.count("events") == 4


def test_the_sixth_stream_waits_until_another_one_ends(server: LocalVendo) -> None:
    def free_a_place_after_the_first_rejection() -> None:
        server.wait_for_requests(7, "events")
        with server.hold("events") as gate:
            gate.wait_for(1)  # all attempts before it were rejected
            streams[0].close()
            server.wait_for_streams(4)
        server.wait_for_streams(5)
        server.emit("a.b")

    with server.client() as client:
        streams = [client.events.subscribe() for _ in range(5)]
        readers = [Thread(target=list, args=[stream]) for stream in streams]
        for reader in readers:
            reader.start()
        server.wait_for_streams(5)
        with client.events.subscribe() as events, beside(free_a_place_after_the_first_rejection):
            assert next(events).type == "a.b"
        for stream in streams:
            stream.close()
        for reader in readers:
            reader.join(10)
            assert not reader.is_alive()
    server.wait_for_streams(0)


def test_the_servers_retry_sets_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "FIRST_BACKOFF", 3600.0)
    with (
        LocalVendo(retry=0.01) as server,
        server.client() as client,
        client.events.subscribe(max_backoff_sec=7200) as events,
    ):
        with beside(*emitting(server, "a.first")):
            next(events)
        server.stop()
        server.start()
        server.emit("a.second")
        assert next(events).type == "a.second"


def test_silent_stream_is_reconnected(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "MAX_SILENCE", 0.1)

    arrived = Event()

    def emit() -> None:
        server.wait_for_requests(2, "events")  # it reconnected by itself
        while not arrived.wait(0.02):  # an abandoned one may still be open
            server.emit("a.b")

    with server.client() as client, client.events.subscribe() as events, beside(emit):
        assert next(events).type == "a.b"
        arrived.set()


def test_heartbeats_keep_a_stream_open(monkeypatch: pytest.MonkeyPatch) -> None:
    ahead = 0.0
    reads = Semaphore(0)
    read = BlockingStream.read

    def read_as_if_it_took_long(stream: BlockingStream, timeout: float) -> bytes:
        nonlocal ahead
        chunk = read(stream, timeout)
        ahead += 0.6 * timeout
        reads.release()
        return chunk

    monkeypatch.setattr(BlockingStream, "read", read_as_if_it_took_long)
    for module in (blocking_stream, connection):
        monkeypatch.setattr(module, "elapsed", lambda: elapsed() + ahead)
    with LocalVendo(heartbeat=0.02) as server, server.client() as client:
        with client.events.subscribe() as events:

            def emit() -> None:
                for _ in range(4):
                    assert reads.acquire(timeout=60)
                server.emit("a.b")

            with beside(emit):
                assert next(events).type == "a.b"
        assert server.count("events") == 1


def test_each_connection_sends_the_current_key(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    server.fail("events", 503)
    with Vendo() as client, client.events.subscribe() as events:
        monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_another")
        with pytest.raises(AuthError):
            next(events)

    sent = [r.headers["Authorization"] for r in server.requests if r.surface == "events"]
    assert sent == ["Bearer vendo_sk_another"] * 2


def test_removed_key_ends_the_subscription(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    with Vendo() as client, client.events.subscribe() as events:
        monkeypatch.delenv("VENDO_API_KEY")
        with pytest.raises(VendoOnlyFeature):
            next(events)


def test_a_user_gets_their_jwt_sent(server: LocalVendo) -> None:
    server.fail("events", 204)
    with server.client() as client:
        assert list(client.for_user(JWT).events.subscribe()) == []

    assert server.requests[0].headers["X-Vendo-User-JWT"] == JWT


@pytest.mark.parametrize("way", ["close", "with", "break", "del"])
def test_ending_the_iteration_closes_the_connection(server: LocalVendo, way: str) -> None:
    client = server.client()
    server.fail("events", 503)  # the first try; a stream is opened over the second

    def one(events: Any) -> None:
        with beside(*emitting(server, "a.b")):
            next(events)

    if way == "close":
        events = client.events.subscribe()
        one(events)
        events.close()
        events.close()
        assert list(events) == []
    elif way == "with":
        with client.events.subscribe() as events:
            one(events)
    elif way == "break":
        with beside(*emitting(server, "a.b")):
            for event in client.events.subscribe():
                assert event.type == "a.b"
                break
    else:
        events = client.events.subscribe()
        one(events)
        del events
    gc.collect()
    server.wait_for_streams(0)
    client.close()


def test_error_in_the_loop_body_closes_the_connection(server: LocalVendo) -> None:
    with server.client() as client:
        with (
            pytest.raises(ValueError, match="invalid literal"),
            client.events.subscribe() as events,
            beside(*emitting(server, "a.b")),
        ):
            int(next(events).type)
        server.wait_for_streams(0)


def test_closing_from_another_thread_ends_a_wait_for_the_next_event(server: LocalVendo) -> None:
    with server.client() as client:
        events = client.events.subscribe()
        with beside(lambda: server.wait_for_streams(1), events.close):
            assert list(events) == []
    server.wait_for_streams(0)


def test_closing_ends_a_wait_on_a_connection_that_is_not_kept(
    server: LocalVendo,
) -> None:
    # A proxy may respond so, and http.client then drops its reference to the socket.
    server.fail("events", headers={"Connection": "close"})
    with server.client() as client, client.events.subscribe() as events:

        def wait_for_the_reader() -> None:
            while events._stream is None or not events._stream._in_use.locked():
                time.sleep(0.001)

        begun = time.monotonic()
        with beside(wait_for_the_reader, events.close):
            assert list(events) == []
        assert time.monotonic() - begun < 15  # before the heartbeat, after 25
        server.wait_for_streams(0)


def test_closing_from_another_thread_ends_a_pause(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.fail("events", 503, retry_after=600, times=None)
    with server.client() as client:
        events = client.events.subscribe()
        begun = time.monotonic()
        with beside(lambda: server.wait_for_requests(1, "events"), events.close):
            assert list(events) == []
        assert time.monotonic() - begun < 30


def test_response_that_is_not_a_stream_is_raised(server: LocalVendo) -> None:
    server.fail("events", html=True)
    with server.client() as client, pytest.raises(UpstreamError, match="not an event stream"):
        next(client.events.subscribe())


def test_without_a_key_the_call_itself_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    for client in (Vendo(), Vendo("byok")):
        with pytest.raises(VendoOnlyFeature, match=r"events\.subscribe"):
            client.events.subscribe()


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), "30"])
def test_invalid_longest_pause_is_an_error_at_the_call(server: LocalVendo, seconds: Any) -> None:
    with server.client() as client, pytest.raises(ValidationError, match="max_backoff_sec="):
        client.events.subscribe(max_backoff_sec=seconds)


def test_a_large_event_in_small_pieces_arrives_whole(server: LocalVendo) -> None:
    text = "x" * (2 << 20)
    with (
        server.client() as client,
        client.events.subscribe() as events,
        beside(lambda: server.wait_for_streams(1), lambda: server.emit("a.b", text=text)),
    ):
        assert next(events).data["text"] == text


def test_the_repr_of_the_sub_api_shows_no_key(server: LocalVendo) -> None:
    with server.client() as client:
        assert repr(client.events) == "<EventsAPI of <Vendo, Vendo mode>>"
        assert server.api_key not in repr(client.events.subscribe())
