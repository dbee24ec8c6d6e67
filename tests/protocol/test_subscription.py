"""A subscription to events, without a socket: when it connects again, and with what."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from support.flows import BASE, JWT, KEY, caller
from vendo import (
    AuthError,
    EventStreamMessage,
    NotConnected,
    UpstreamConnectionError,
    UpstreamError,
    UpstreamTimeout,
    ValidationError,
    VendoError,
)
from vendo._protocol import subscription as module
from vendo._protocol.steps import Head, Pause, Request
from vendo._protocol.subscription import (
    MAX_PAUSE,
    MAX_SILENCE,
    CloseStream,
    OpenStream,
    checked_backoff,
    subscription,
)

if TYPE_CHECKING:
    from vendo._protocol.calls import Caller

URL = f"{BASE}/api/deployments/me/events"
STREAM = Head(200, {"content-type": "text/event-stream; charset=utf-8"})
BROKEN = UpstreamConnectionError("upstream_error", "The connection broke.")
SILENT = UpstreamTimeout("upstream_error", "Nothing came.")


def block(event_id: str = "1", kind: str = "connection.changed", **fields: object) -> bytes:
    data = json.dumps({"id": event_id, "kind": kind, **fields})
    return f"id: {event_id}\nevent: {kind}\ndata: {data}\n\n".encode()


@dataclass
class Stage:
    """A fake server of one subscription: one list per connection, its head and its data."""

    connections: list[list[Any]]
    requests: list[Request] = field(default_factory=list)
    reads: list[float] = field(default_factory=list)
    pauses: list[float] = field(default_factory=list)
    closed: int = 0

    def run(self, flow: module.Subscription, until: int | None = None) -> list[EventStreamMessage]:
        """Return the events until there are so many, or the flow or the script ends."""
        events: list[EventStreamMessage] = []
        outcome: Any = None
        failure: Exception | None = None
        playing: list[Any] = []
        while until is None or len(events) < until:
            try:
                step = flow.throw(failure) if failure is not None else flow.send(outcome)
            except StopIteration:
                break
            outcome = failure = None
            if isinstance(step, EventStreamMessage):
                events.append(step)
            elif isinstance(step, CloseStream):
                self.closed += 1
            elif isinstance(step, Pause):
                self.pauses.append(step.seconds)
                if not self.connections:
                    break
            else:
                if isinstance(step, OpenStream):
                    self.requests.append(step.request)
                    playing = self.connections.pop(0)
                else:
                    self.reads.append(step.timeout)
                outcome = playing.pop(0) if playing else b""
                if isinstance(outcome, Exception):
                    outcome, failure = None, outcome
        flow.close()
        return events


def play(*connections: list[Any]) -> Stage:
    return Stage([list(connection) for connection in connections])


def subscribed(who: Caller | None = None, max_backoff: float = 30.0) -> module.Subscription:
    return subscription(lambda: who or caller(), lambda: URL, max_backoff=max_backoff)


def test_the_request_accepts_an_event_stream_and_has_the_key() -> None:
    stage = play([STREAM])
    stage.run(subscribed(caller(user_jwt=JWT)))

    request = stage.requests[0]
    assert (request.method, request.url, request.body) == ("GET", URL, None)
    assert request.headers["Accept"] == "text/event-stream"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.headers["X-Vendo-User-JWT"] == JWT
    assert request.headers["Accept-Encoding"] == "identity"
    assert "Last-Event-ID" not in request.headers


def test_events_are_delivered_whole_or_in_pieces() -> None:
    text = block("1", slug="gmail") + block("2", "billing.balance_changed", remaining_micros=5)
    stage = play([STREAM, *(text[i : i + 1] for i in range(len(text)))])

    first, second = stage.run(subscribed())
    assert (first.id, first.type, first.slug) == ("1", "connection.changed", "gmail")
    assert (second.type, second.data["remaining_micros"]) == ("billing.balance_changed", 5)


def test_it_reconnects_after_the_last_received_event() -> None:
    stage = play([STREAM, block("7"), BROKEN], [STREAM, block("8")], [STREAM])
    events = stage.run(subscribed())

    assert [event.id for event in events] == ["7", "8"]
    assert [request.headers.get("Last-Event-ID") for request in stage.requests] == [None, "7", "8"]
    assert stage.closed == 3


def test_event_that_was_cut_off_is_delivered_once() -> None:
    whole = block("8", slug="gmail")
    stage = play([STREAM, block("7"), whole[:-1], BROKEN], [STREAM, block("7") + whole], [STREAM])

    assert [event.id for event in stage.run(subscribed())] == ["7", "8"]
    assert stage.requests[1].headers["Last-Event-ID"] == "7"


def test_each_connection_uses_the_current_key() -> None:
    keys = iter(["vendo_sk_first", "vendo_sk_second"])
    stage = play([STREAM], [STREAM])
    stage.run(subscription(lambda: caller(api_key=next(keys)), lambda: URL, max_backoff=30))

    assert [request.headers["Authorization"] for request in stage.requests] == [
        "Bearer vendo_sk_first",
        "Bearer vendo_sk_second",
    ]


def test_204_ends_the_subscription() -> None:
    stage = play([STREAM, block("1")], [Head(204, {})], [STREAM, block("2")])

    assert [event.id for event in stage.run(subscribed())] == ["1"]
    assert len(stage.requests) == 2


@pytest.mark.parametrize("status", [400, 401, 403, 404, 302])
def test_permanent_error_is_raised(status: int) -> None:
    stage = play([Head(status, {}), b'{"message": "No', b' way."}', b""])
    with pytest.raises(VendoError, match=r"No way\.") as caught:
        stage.run(subscribed())

    assert caught.value.status == status


def test_rejected_key_is_an_auth_error_without_the_key() -> None:
    head = Head(401, {"vendo-error-code": "app_revoked"})
    with pytest.raises(AuthError) as caught:
        play([head, json.dumps({"error": KEY}).encode()]).run(subscribed())

    assert KEY not in str(vars(caught.value))


def test_error_of_a_403_depends_on_its_code() -> None:
    with pytest.raises(NotConnected):
        play([Head(403, {"vendo-error-code": "binding_missing"})]).run(subscribed())


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504, 599])
def test_too_many_streams_and_server_errors_are_retried(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    failed = [Head(status, {}), b'{"error": {"code": "rate_limit_sse_streams", "message": "m"}}']
    stage = play(failed, failed, [STREAM, block("1")])
    with caplog.at_level(logging.DEBUG, logger="vendo"):
        events = stage.run(subscribed())

    assert [event.id for event in events] == ["1"]
    assert f"HTTP {status}, rate_limit_sse_streams" in caplog.text
    assert KEY not in caplog.text


def test_pauses_double_from_a_second_to_the_longest_with_a_quarter_of_jitter() -> None:
    stage = play(*[[BROKEN]] * 9)
    stage.run(subscribed())

    for pause, longest in zip(stage.pauses, [1, 2, 4, 8, 16, 30, 30, 30, 30], strict=True):
        assert 0.75 * longest <= pause <= longest


def test_pauses_are_jittered() -> None:
    stage = play(*[[BROKEN]] * 50)
    stage.run(subscribed(max_backoff=1.0))

    assert len(set(stage.pauses)) > 10


def test_the_callers_longest_pause_is_kept() -> None:
    stage = play(*[[BROKEN]] * 6)
    stage.run(subscribed(max_backoff=3.0))

    assert max(stage.pauses) <= 3.0


def test_pauses_do_not_overflow_in_a_long_outage() -> None:
    stage = play(*[[BROKEN]] * 1200)
    stage.run(subscribed())

    assert all(0.75 <= pause <= 30 for pause in stage.pauses)


def test_successful_connection_resets_the_pauses() -> None:
    stage = play([BROKEN], [BROKEN], [BROKEN], [STREAM], [BROKEN], [BROKEN])
    stage.run(subscribed())

    assert stage.pauses[2] >= 3.0
    assert stage.pauses[3] <= 1.0
    assert stage.pauses[4] <= 1.0
    assert stage.pauses[5] >= 1.5


def test_the_servers_retry_is_the_base_of_the_pauses() -> None:
    stage = play([STREAM, b"retry: 5000\n\n"], [STREAM], [STREAM], [BROKEN], [BROKEN], [STREAM])
    stage.run(subscribed())

    for pause, longest in zip(stage.pauses, [5, 5, 5, 5, 10, 5], strict=True):
        assert 0.75 * longest <= pause <= longest


def test_retry_of_zero_still_pauses() -> None:
    stage = play([STREAM, b"retry: 0\n\n"], [STREAM])
    stage.run(subscribed())

    assert all(pause >= 0.75 for pause in stage.pauses)


def test_a_huge_retry_is_capped_by_the_longest_pause() -> None:
    stage = play([STREAM, b"retry: 99999999999999\n\n"], [STREAM])
    stage.run(subscribed())

    assert max(stage.pauses) <= 30


@pytest.mark.parametrize(
    ("wait", "least", "most"),
    [("50", 50, 50), ("nan", 0.75, 1), ("-1", 0.75, 1), ("9" * 30, MAX_PAUSE, MAX_PAUSE)],
)
def test_retry_after_is_the_minimum_pause_within_bounds(
    wait: str, least: float, most: float
) -> None:
    stage = play([Head(503, {"retry-after": wait})], [STREAM])
    stage.run(subscribed())

    assert least <= stage.pauses[0] <= most


def test_silence_over_two_heartbeats_breaks_the_connection() -> None:
    stage = play([STREAM, b": heartbeat\n\n", SILENT], [STREAM, block("1")], [STREAM])
    events = stage.run(subscribed())

    assert [event.id for event in events] == ["1"]
    assert set(stage.reads) == {MAX_SILENCE}
    assert 50 < MAX_SILENCE < 75


def test_the_idle_time_out_can_be_set() -> None:
    stage = play([STREAM])
    stage.run(subscription(caller, lambda: URL, max_backoff=1, silence=7.5))

    assert stage.reads == [7.5]


@pytest.mark.parametrize("kind", ["text/html", "application/json", "", "text/event-streams"])
def test_response_that_is_not_an_event_stream_is_raised(kind: str) -> None:
    with pytest.raises(UpstreamError, match="is not an event stream"):
        play([Head(200, {"content-type": kind})]).run(subscribed())


@pytest.mark.parametrize("kind", ["text/event-stream", "Text/Event-Stream ;charset=utf-8"])
def test_event_stream_with_parameters_is_accepted(kind: str) -> None:
    assert play([Head(200, {"content-type": kind}), block("1")]).run(subscribed())


def test_stream_that_is_not_http_is_raised() -> None:
    with pytest.raises(UpstreamError, match="garbled"):
        play([STREAM, UpstreamError("upstream_error", "garbled")]).run(subscribed())


def test_error_body_is_read_up_to_a_limit() -> None:
    head = Head(503, {})
    stage = play([head, *[b"x" * 4096] * 1000], [STREAM])
    stage.run(subscribed())

    assert len(stage.reads) < 30


def test_dripping_error_body_ends_with_the_time_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ticks = iter(range(10_000))
    monkeypatch.setattr(module, "elapsed", lambda: float(next(ticks)))
    stage = play([Head(503, {}), *[b"x"] * 1000], [STREAM])
    stage.run(subscribed(caller(timeout=10.0)))

    timeouts = stage.reads[:-1]
    assert 0 < len(timeouts) <= 10
    assert all(later < earlier for earlier, later in pairwise(timeouts))


def test_error_body_that_breaks_off_is_retried() -> None:
    stage = play([Head(503, {}), BROKEN], [STREAM, block("1")])

    assert len(stage.run(subscribed())) == 1


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "5", None])
def test_invalid_longest_pause_is_an_error(seconds: Any) -> None:
    with pytest.raises(ValidationError, match="max_backoff_sec="):
        checked_backoff(seconds)


def test_a_longest_pause_is_a_number_of_seconds() -> None:
    assert checked_backoff(5) == 5.0
