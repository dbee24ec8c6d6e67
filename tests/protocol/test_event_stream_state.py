"""The state that an event stream keeps for the next event and the next connection."""

from __future__ import annotations

import pytest

from support.event_streams import BOM, data_of, parsed
from vendo._protocol import sse
from vendo._protocol.sse import Message, MessageParser


class TestIds:
    def test_an_id_stays_for_the_events_after_it(self) -> None:
        assert parsed(b"id: 5\ndata: 1\n\ndata: 2\n\n") == [
            Message("message", "1", "5", True),
            Message("message", "2", "5", False),
        ]

    def test_an_empty_id_resets_it(self) -> None:
        parser = MessageParser()

        assert parsed(b"id: 5\ndata: 1\n\nid\ndata: 2\n\n", parser=parser)[1].last_event_id == ""
        assert parser.last_event_id == ""

    def test_an_id_with_nul_is_ignored(self) -> None:
        parser = MessageParser()
        parsed(b"id: 5\ndata: 1\n\nid: 6\0\ndata: 2\n\n", parser=parser)

        assert parser.last_event_id == "5"

    def test_an_id_counts_from_the_blank_line_on(self) -> None:
        parser = MessageParser()
        parser.feed(b"id: 5\ndata: 1\n")
        assert parser.last_event_id == ""
        parser.feed(b"\n")
        assert parser.last_event_id == "5"

    def test_id_without_data_counts(self) -> None:
        parser = MessageParser()
        parser.feed(b"id: 5\n\n")

        assert parser.last_event_id == "5"

    def test_id_survives_a_reconnection(self) -> None:
        parser = MessageParser()
        parser.feed(b"id: 5\ndata: 1\n\n")
        parser.connected()
        # Servers open a stream with a comment; its blank line is not a reset.
        parser.feed(b": connected\n\n")

        assert parser.last_event_id == "5"

    def test_id_of_an_unfinished_event_does_not_survive_a_reconnection(self) -> None:
        parser = MessageParser()
        parser.feed(b"id: 5\ndata: 1\n\nid: 6\ndata: 2\n")
        parser.connected()
        parser.feed(b"data: 3\n\n")

        assert parser.last_event_id == "5"


class TestRetry:
    @pytest.mark.parametrize(
        ("value", "milliseconds"),
        [
            (b"1500", 1500),
            (b"0", 0),
            (b"007", 7),
            (b"9" * 10, 9_999_999_999),
            (b"9" * 11, sse.LONGEST_RETRY),
            (b"9" * 5000, sse.LONGEST_RETRY),
            (b"0" * 5000, 0),
            (b"0" * 5000 + b"12", 12),
        ],
    )
    def test_ascii_digits_are_milliseconds(self, value: bytes, milliseconds: int) -> None:
        parser = MessageParser()
        parser.feed(b"retry: " + value + b"\n")

        assert parser.retry == milliseconds

    @pytest.mark.parametrize(
        "value",
        [
            "",
            "-1",
            "+1",
            "1.5",
            "1e3",
            "1_000",
            "1 ",
            " 1",
            "0x10",
            "nan",
            "\u0663",
            "\uff11",
            "\xb2",
        ],
    )
    def test_other_retry_values_are_ignored(self, value: str) -> None:
        parser = MessageParser()
        parser.feed(f"retry: 1500\nretry: {value}\n\n".encode())

        assert parser.retry == 1500

    def test_it_survives_a_reconnection(self) -> None:
        parser = MessageParser()
        parser.feed(b"retry: 1500\n\n")
        parser.connected()

        assert parser.retry == 1500


class TestEndOfAConnection:
    def test_an_unfinished_event_is_dropped(self) -> None:
        assert data_of(b"data: 1\n\ndata: 2\n") == ["1"]

    @pytest.mark.parametrize("rest", [b"data: 2\n", b"data: 2", b"event: x\nda", b"data: 2\r", BOM])
    def test_it_does_not_merge_into_the_next_connections_first_event(self, rest: bytes) -> None:
        parser = MessageParser()
        parsed(b"data: 1\n\n" + rest, parser=parser)
        parser.connected()

        assert parsed(b"data: 3\n\n", parser=parser) == [Message("message", "3", "", False)]

    def test_half_a_line_does_not_merge_with_the_next_connections_first_line(self) -> None:
        parser = MessageParser()
        parsed(b"data: 1\n\nda", parser=parser)
        parser.connected()

        assert parsed(b"ta: 2\ndata: 3\n\n", parser=parser)[0].data == "3"
