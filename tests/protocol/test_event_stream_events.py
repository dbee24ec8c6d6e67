"""Events of the platform's stream: each once, under its canonical name, and none lost."""

from __future__ import annotations

import json
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.event_streams import cut_at
from vendo._protocol.event_stream import EventReader
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterable

    from vendo import EventStreamMessage


def block(name: str, /, *, id_line: str | None = None, **data: Any) -> bytes:
    lines = [f"event: {name}", f"data: {json.dumps(data)}", "", ""]
    return "\n".join(lines if id_line is None else [f"id: {id_line}", *lines]).encode()


def sent_event(kind: str, number: int, /, *names: str, **fields: Any) -> bytes:
    """Build an event as the platform sends it: under its kind, then under these old names."""
    data = {"id": f"evt_{number}", "at": "2026-11-24T18:00:00Z", "kind": kind, **fields}
    return b"".join(block(name, id_line=f"evt_{number}", **data) for name in (kind, *names))


def read(*chunks: bytes, reader: EventReader | None = None) -> list[EventStreamMessage]:
    reader = reader or EventReader()
    return [event for chunk in chunks for event in reader.feed(chunk)]


def kinds(events: Iterable[EventStreamMessage]) -> list[str]:
    return [event.type for event in events]


def test_a_reader_goes_on_after_the_event_of_another_one() -> None:
    reader = EventReader("evt_7")
    assert read(b": heartbeat\n\n", reader=reader) == []
    assert reader.last_event_id == "evt_7"
    assert kinds(read(sent_event("connection.changed", 8), reader=reader)) == ["connection.changed"]
    assert reader.last_event_id == "evt_8"


@pytest.mark.parametrize("event_id", ["evt_\u00e9", "a\nb", "9" * 300])
def test_a_reader_sends_no_id_that_a_header_cannot_have(event_id: str) -> None:
    assert EventReader(event_id).last_event_id == ""


def test_an_event_has_type_id_and_all_of_its_data() -> None:
    (event,) = read(
        sent_event("connection.changed", 1, slug="gmail", connection_id="cn_1", new=[1])
    )

    assert (event.type, event.id, event.retry) == ("connection.changed", "evt_1", None)
    assert event.slug == "gmail"
    assert event.data == {
        "id": "evt_1",
        "at": "2026-11-24T18:00:00Z",
        "kind": "connection.changed",
        "slug": "gmail",
        "connection_id": "cn_1",
        "new": [1],
    }


@pytest.mark.parametrize(
    "kind",
    [
        "billing.usage_recorded",
        "billing.balance_changed",
        "billing.cap_warned",
        "billing.cap_tripped",
        "something.of_later",
    ],
)
def test_unknown_kinds_are_passed_on(kind: str) -> None:
    assert kinds(read(sent_event(kind, 1, micros=1))) == [kind]


class TestOldNames:
    @pytest.mark.parametrize(
        ("kind", "old"),
        [
            ("connection.connected", "connection_created"),
            ("connection.disconnected", "connection_deleted"),
            ("connection.changed", "connection_updated"),
            ("connection.status_changed", "connection_updated"),
        ],
    )
    @pytest.mark.parametrize("old_first", [False, True])
    def test_an_event_and_its_duplicate_are_one(self, kind: str, old: str, old_first: bool) -> None:
        data = {"id": "evt_1", "kind": kind, "slug": "gmail"}
        names = [old, kind] if old_first else [kind, old]

        assert kinds(read(*(block(name, id_line="evt_1", **data) for name in names))) == [kind]

    @pytest.mark.parametrize(
        ("old", "data", "kind"),
        [
            ("connection_created", {}, "connection.connected"),
            ("connection_deleted", {}, "connection.disconnected"),
            ("connection_updated", {}, "connection.changed"),
            ("connection_updated", {"status": "error"}, "connection.status_changed"),
        ],
    )
    def test_event_with_only_an_old_name_is_translated(
        self, old: str, data: dict[str, str], kind: str
    ) -> None:
        assert kinds(read(block(old, id_line="evt_1", **data))) == [kind]
        assert kinds(read(block(old, id_line="evt_1", kind=old, **data))) == [kind]

    def test_without_any_id_the_canonical_name_is_the_one_that_counts(self) -> None:
        stream = block("connection.changed", slug="gmail") + block(
            "connection_updated", slug="gmail"
        )

        assert kinds(read(stream)) == ["connection.changed"]

    def test_type_is_the_name_on_the_wire_and_else_the_kind_in_the_data(self) -> None:
        named = block("billing.cap_warned", kind="billing.cap_tripped")
        unnamed = b'data: {"kind": "billing.cap_tripped"}\n\n'

        assert kinds(read(named + unnamed)) == ["billing.cap_warned", "billing.cap_tripped"]


class TestIds:
    def test_id_in_the_data_identifies_an_event(self) -> None:
        stream = block("billing.cap_warned", id="a") * 2 + block("billing.cap_warned", id="b")

        assert [event.id for event in read(stream)] == ["a", "b"]

    def test_events_without_an_id_are_all_passed_on(self) -> None:
        stream = block("billing.usage_recorded", id_line="evt_1", micros=1)
        stream += block("billing.usage_recorded", micros=1) * 2

        assert [event.id for event in read(stream)] == ["evt_1"] * 3  # the id to resume after

    @pytest.mark.parametrize("odd", [1, None, ["x"], {}])
    def test_id_time_or_kind_that_is_not_a_string_is_none(self, odd: object) -> None:
        (event,) = read(block("billing.cap_warned", id=odd, at=odd, kind=odd))

        assert (event.type, event.id) == ("billing.cap_warned", None)
        assert event.data["id"] == odd

    def test_duplicates_are_recognized_as_long_as_the_server_can_resend(self) -> None:
        reader = EventReader()
        stream = b"".join(sent_event("billing.cap_warned", number) for number in range(100))

        assert len(read(stream, reader=reader)) == 100
        reader.connected()
        assert read(stream, reader=reader) == []

    def test_remembered_ids_are_bounded(self) -> None:
        reader = EventReader()
        for number in range(2000):
            reader.feed(sent_event("billing.cap_warned", number))
        reader.feed(block("billing.cap_warned", id_line="x" * 100_000))

        assert len(reader._seen) == len(reader._order) <= 256
        assert max(map(len, reader._seen)) <= 256


class TestResuming:
    def test_resumes_after_the_last_id(self) -> None:
        reader = EventReader()
        assert reader.last_event_id == ""
        read(
            sent_event("billing.cap_warned", 1), sent_event("billing.cap_warned", 2), reader=reader
        )

        assert reader.last_event_id == "evt_2"

    def test_an_empty_id_resets_it(self) -> None:
        reader = EventReader()
        read(sent_event("billing.cap_warned", 1), b"id\n\n", reader=reader)

        assert reader.last_event_id == ""

    @pytest.mark.parametrize("unfit", ["é", "\x1b[31m", "\u2615", "x" * 100_000])
    def test_id_that_does_not_fit_in_a_header_is_not_sent_back(self, unfit: str) -> None:
        reader = EventReader()
        events = read(
            sent_event("billing.cap_warned", 1),
            block("billing.cap_warned", id_line=unfit),
            reader=reader,
        )

        assert len(events) == 2
        assert reader.last_event_id == "evt_1"

    def test_event_cut_off_by_a_reconnect_is_delivered_once(self) -> None:
        reader = EventReader()
        stream = sent_event("connection.changed", 2, "connection_updated", slug="gmail")
        for cut in range(len(stream)):
            reader = EventReader()
            before = read(sent_event("billing.cap_warned", 1), stream[:cut], reader=reader)
            after_id = reader.last_event_id
            reader.connected()
            replayed = b"" if after_id == "evt_2" else stream
            after = read(b": connected\n\n", replayed, reader=reader)

            assert [event.id for event in before + after] == ["evt_1", "evt_2"], cut

    def test_the_servers_delay_is_in_seconds_and_kept(self) -> None:
        reader = EventReader()
        assert reader.retry is None
        reader.feed(b"retry: 1500\n\n")
        reader.connected()

        assert reader.retry == 1.5


class TestData:
    @pytest.mark.parametrize(
        ("text", "data"),
        [
            *(("[1]", [1]), ("null", None), ("1", 1), ('"x"', "x"), ("{}", {})),
            *((text, text) for text in ("", "hello", "{", "NaN", "9" * 5000, "\ufeff{}")),
            pytest.param("[" * 100_000, "[" * 100_000, id="deep list"),
        ],
    )
    def test_it_is_decoded_json_or_the_text_itself(self, text: str, data: object) -> None:
        stream = f"id: evt_1\nevent: some.type\ndata: {text}\n\n".encode()

        (event,) = read(stream)

        assert (event.type, event.data, event.id, event.slug) == ("some.type", data, "evt_1", None)

    @pytest.mark.parametrize(
        ("line", "retry"), [("", None), ("retry: 1500\n", 1500), ("retry: x\n", None)]
    )
    def test_retry_is_that_of_the_event_itself(self, line: str, retry: int | None) -> None:
        first, second = read(f"{line}data: 1\n\ndata: 2\n\n".encode())

        assert (first.retry, second.retry) == (retry, None)

    def test_duplicate_is_dropped_whatever_its_data(self) -> None:
        repeat = b"id: evt_1\nevent: connection_updated\ndata: {\n\n"

        assert len(read(sent_event("connection.changed", 1, slug="gmail"), repeat)) == 1

    def test_comment_or_empty_block_is_not_an_event(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.DEBUG)

        assert read(b": heartbeat\n\n\n\nevent: x\n\nretry: 5\n\n") == []
        assert not caplog.records


_BLOCKS = st.lists(
    st.builds(
        sent_event,
        st.sampled_from(["connection.changed", "billing.cap_warned"]),
        st.integers(0, 5),
        st.sampled_from(["connection_updated", "other"]),
    )
    | st.sampled_from([b": c\n\n", b"data: x\n\n", b"id\n\n", b"retry: 7\n\n"]),
    max_size=8,
).map(b"".join)


@given(_BLOCKS, st.lists(st.integers(0, 900), max_size=20))
def test_events_do_not_depend_on_how_the_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    whole, cut = EventReader(), EventReader()

    assert read(*cut_at(stream, cuts), reader=cut) == read(stream, reader=whole)
    assert (cut.last_event_id, cut.retry) == (whole.last_event_id, whole.retry)


@given(st.binary() | st.text().map(lambda text: b"data: " + text.encode() + b"\n\n"))
def test_no_bytes_make_it_raise(stream: bytes) -> None:
    reader = EventReader()
    reader.feed(stream)
    reader.connected()

    assert kinds(read(sent_event("billing.cap_warned", 1), reader=reader)) == ["billing.cap_warned"]


def test_a_subscriber_gets_each_event_once_over_connections_that_break_anywhere() -> None:
    with LocalVendo(connections=["gmail"], retry=0.01) as server, server.client() as client:
        # Each connection ends after so many bytes: within a block, or before its duplicate.
        for size in (500, 40, 333, 200, 321, 777, 150, 640, 1000):
            server.fail("events", truncate=size)
        with client.events.subscribe() as events:
            pool = ThreadPoolExecutor(1)
            first = pool.submit(next, events)
            server.wait_for_streams(1)
            sent = [server.emit("connection.changed", slug="gmail", number=0)]
            got = [first.result(timeout=30)]
            sent += [server.emit("connection.changed", slug="gmail", number=n) for n in range(20)]
            got += pool.submit(lambda: [next(events) for _ in range(20)]).result(timeout=60)
            pool.shutdown()

        assert [event.id for event in got] == sent
        assert set(kinds(got)) == {"connection.changed"}
        assert server.count("events") > 3
