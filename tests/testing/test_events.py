from __future__ import annotations

import http.client
from datetime import datetime
from typing import Any

import pytest

from testing.local_http import EventReader, bearer, execute, in_thread, send, with_key
from vendo.testing import LocalVendo

EVENTS = "/api/deployments/me/events"


def kinds(events: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, _ in events]


def test_event_has_id_kind_time_and_fields(server: LocalVendo) -> None:
    with EventReader(server) as reader:
        assert reader.response.status == 200
        assert reader.response.headers["Content-Type"] == "text/event-stream"
        event_id = server.emit("billing.cap_warned", window="daily", pct=80)
        ((name, data),) = reader.events(1)
    assert name == "billing.cap_warned"
    assert data == {
        "id": event_id,
        "at": data["at"],
        "kind": "billing.cap_warned",
        "window": "daily",
        "pct": 80,
    }
    assert datetime.fromisoformat(data["at"]).tzinfo is not None


@pytest.mark.parametrize(
    ("kind", "old"),
    [
        ("connection.connected", "connection_created"),
        ("connection.disconnected", "connection_deleted"),
        ("connection.changed", "connection_updated"),
        ("connection.status_changed", "connection_updated"),
    ],
)
def test_connection_events_are_sent_with_old_names_too(
    server: LocalVendo, kind: str, old: str
) -> None:
    with EventReader(server) as reader:
        server.emit(kind, slug="gmail", connection_id="c")
        first, second = reader.events(2)
    assert (first[0], second[0]) == (kind, old)
    assert first[1] == second[1]


def test_every_change_sends_an_event(server: LocalVendo) -> None:
    with EventReader(server) as reader:
        server.connect("stripe")
        server.connect("stripe")
        server.rotate("stripe")
        server.set_status("stripe", "needs_reauth")
        server.disconnect("stripe")
        server.set_balance(5)
        events = reader.events(11)
    assert kinds(events[::2][:5]) == [
        "connection.connected",
        "connection.changed",
        "connection.changed",
        "connection.status_changed",
        "connection.disconnected",
    ]
    assert all(data["slug"] == "stripe" and data["connection_id"] for _, data in events[:10])
    assert events[6][1]["status"] == "needs_reauth"
    assert (events[10][0], events[10][1]["remaining_micros"]) == ("billing.balance_changed", 5)


def test_expire_sends_no_event(server: LocalVendo) -> None:
    with EventReader(server) as reader:
        server.expire("gmail")
        server.emit("billing.cap_tripped", window="daily")
        assert kinds(reader.events(1)) == ["billing.cap_tripped"]


def test_paid_action_sends_usage_and_cap_events(server: LocalVendo) -> None:
    server.set_caps(daily=1_200)
    with EventReader(server) as reader:
        execute(server, {"action_id": "GMAIL_GET_PROFILE"})
        execute(server, {"action_id": "GMAIL_GET_PROFILE"})
        execute(server, {"action_id": "GMAIL_GET_PROFILE"})
        events = reader.events(4)
    usage, balance, warned, tripped = events
    assert usage[1]["provider"] == "gmail"
    assert usage[1]["micros"] == 1_000
    assert balance[1]["remaining_micros"] == 4_999_000
    assert (warned[0], warned[1]["window"], warned[1]["pct"]) == ("billing.cap_warned", "daily", 83)
    assert (tripped[0], tripped[1]["window"]) == ("billing.cap_tripped", "daily")


def test_new_stream_starts_with_the_next_event(server: LocalVendo) -> None:
    server.emit("billing.cap_tripped", window="daily")
    with EventReader(server) as reader:
        server.emit("billing.cap_tripped", window="monthly")
        assert reader.events(1)[0][1]["window"] == "monthly"


def test_reconnected_stream_gets_missed_events(server: LocalVendo) -> None:
    first = server.emit("billing.cap_warned", window="daily", pct=1)
    server.emit("billing.cap_warned", window="daily", pct=2)
    server.emit("connection.changed", slug="gmail", connection_id="c")
    with EventReader(server, last_event_id=first) as reader:
        assert kinds(reader.events(3)) == [
            "billing.cap_warned",
            "connection.changed",
            "connection_updated",
        ]


@pytest.mark.parametrize("last", ["evt_0", "unheard of", "evt_²", "9" * 400])
def test_last_hundred_events_are_kept(server: LocalVendo, last: str) -> None:
    for number in range(105):
        server.emit("billing.usage_recorded", provider="gmail", micros=number)
    with EventReader(server, last_event_id=last) as reader:
        received = [data["micros"] for _, data in reader.events(100)]
        server.emit("billing.usage_recorded", provider="gmail", micros=105)
        assert [*received, reader.events(1)[0][1]["micros"]] == list(range(5, 106))


def test_silent_stream_gets_heartbeats() -> None:
    with LocalVendo(heartbeat=0.01) as server, EventReader(server) as reader:
        assert reader.block() == [": connected"]
        assert reader.block() == [": heartbeat"]


def test_stream_can_send_a_retry_time() -> None:
    with LocalVendo(retry=0.25) as server, EventReader(server) as reader:
        assert reader.block() == ["retry: 250"]


def test_sixth_stream_is_an_error_until_one_ends(server: LocalVendo) -> None:
    readers = [EventReader(server) for _ in range(5)]
    assert server.open_streams == 5
    response = with_key(server, EVENTS)
    assert (response.status, response.code) == (429, "rate_limit_sse_streams")
    readers.pop().__exit__(None, None, None)
    server.wait_for_streams(4)
    with EventReader(server):
        server.wait_for_streams(5)
    for reader in readers:
        reader.__exit__(None, None, None)
    server.wait_for_streams(0)


def test_wait_for_streams_times_out(server: LocalVendo) -> None:
    with pytest.raises(TimeoutError, match="0 streams"):
        server.wait_for_streams(1, timeout=0.01)


def test_stop_ends_streams() -> None:
    with LocalVendo() as server, EventReader(server) as reader:
        reader.block()
        server.stop()
        assert reader.response.read() == b""
        assert server.open_streams == 0


def test_reset_ends_streams_and_continues_event_numbers(server: LocalVendo) -> None:
    before = server.emit("billing.cap_tripped", window="daily")
    with EventReader(server) as reader:
        reader.block()
        server.reset()
        assert reader.response.read() == b""
    with EventReader(server, last_event_id=before) as reader:
        after = server.emit("billing.cap_tripped", window="monthly")
        assert after != before
        assert reader.events(1)[0][1]["window"] == "monthly"


def test_every_stream_gets_every_event(server: LocalVendo) -> None:
    with EventReader(server) as one, EventReader(server) as two:
        for number in range(50):
            server.emit("billing.usage_recorded", provider="gmail", micros=number)
        for reader in (one, two):
            assert [data["micros"] for _, data in reader.events(50)] == list(range(50))


@pytest.mark.parametrize("status", [204, 401, 429, 503])
def test_fault_replaces_a_stream_with_an_error(server: LocalVendo, status: int) -> None:
    server.fail("events", status=status)
    response = with_key(server, EVENTS)
    assert response.status == status
    assert (response.body == b"") == (status == 204)
    assert server.open_streams == 0


def test_fault_replaces_a_stream_with_bytes(server: LocalVendo) -> None:
    server.fail("events", body=b"\xef\xbb\xbfdata: x\n\n")
    response = with_key(server, EVENTS)
    assert response.headers["Content-Type"] == "text/event-stream"
    assert response.body == b"\xef\xbb\xbfdata: x\n\n"


def test_fault_cuts_a_stream_inside_an_event(server: LocalVendo) -> None:
    server.fail("events", truncate=len(": connected\n\nid: evt_"))
    with EventReader(server) as reader:
        server.emit("billing.cap_tripped", window="daily")
        with pytest.raises(http.client.IncompleteRead) as caught:
            reader.response.read()
    assert caught.value.partial == b": connected\n\nid: evt_"
    server.wait_for_streams(0)


def test_fault_sends_a_stream_byte_by_byte(server: LocalVendo) -> None:
    server.fail("events", drip=0.00001)
    with EventReader(server) as reader:
        server.emit("billing.cap_tripped", window="daily")
        assert reader.events(1)[0][1]["window"] == "daily"


def test_held_stream_starts_after_release(server: LocalVendo) -> None:
    def read() -> list[str]:
        with EventReader(server) as reader:
            return reader.block()

    with server.hold("events") as gate, in_thread(read) as outcome:
        gate.wait_for(1)
        assert server.open_streams == 0
        gate.release()
    assert outcome == [[": connected"]]


def test_only_get_opens_a_stream(server: LocalVendo) -> None:
    response = send(server.url + EVENTS, "POST", bearer(server.api_key))
    assert (response.status, response.headers["Allow"]) == (405, "GET")
