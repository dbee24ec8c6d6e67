"""Long lines and long events: what is read, what is dropped, and what is copied."""

from __future__ import annotations

import logging

import pytest

from support.event_streams import data_of, parsed, pieces
from vendo._protocol.sse import MessageParser


class TestLongEvents:
    LIMIT = 100

    def lines(self, *chunks: bytes) -> list[str]:
        return [m.data for m in parsed(*chunks, parser=MessageParser(self.LIMIT))]

    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_line_at_the_limit_is_read_and_one_byte_more_is_dropped(
        self, size: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        fits, too_long = (
            b"x" * (self.LIMIT - len("data: ")),
            b"y" * (self.LIMIT - len("data: ") + 1),
        )
        stream = b"data: %s\n\ndata: %s\n\ndata: next\n\n" % (fits, too_long)
        chunks = pieces(stream, size)

        assert self.lines(*chunks) == [fits.decode(), "next"]
        assert [record.message for record in caplog.records] == [
            "Ignored an event of more than 100 bytes."
        ]

    def test_the_limit_counts_all_lines_of_an_event(self) -> None:
        block = b"data: 345678\n" * 8
        assert self.lines(block + b"\n") == ["\n".join(["345678"] * 8)]
        assert self.lines(block + b"data: 345678\n\ndata: next\n\n") == ["next"]

    def test_empty_lines_count_towards_the_limit(self) -> None:
        assert self.lines(b"data\n" * 26 + b"\ndata: next\n\n") == ["next"]

    def test_the_rest_of_a_too_long_event_is_dropped(self) -> None:
        assert self.lines(b"data: %s\ndata: tail\n\ndata: next\n\n" % (b"x" * 200)) == ["next"]

    def test_id_of_a_dropped_event_counts(self) -> None:
        parser = MessageParser(self.LIMIT)
        parsed(b"id: 5\ndata: %s\n\n" % (b"x" * 200), parser=parser)

        assert parser.last_event_id == "5"

    @pytest.mark.parametrize("size", [1, 7, 1000])
    def test_long_comment_drops_no_event(self, size: int, caplog: pytest.LogCaptureFixture) -> None:
        stream = b"data: a\n:%s\ndata: b\n\n" % (b"x" * 500)
        chunks = pieces(stream, size)

        assert self.lines(*chunks) == ["a\nb"]
        assert not caplog.records

    def test_unfinished_long_line_does_not_affect_the_next_connection(self) -> None:
        parser = MessageParser(self.LIMIT)
        parsed(b"data: %s" % (b"x" * 200), parser=parser)
        parser.connected()

        assert [m.data for m in parsed(b"data: 1\n\n", parser=parser)] == ["1"]

    def test_endless_line_is_buffered_up_to_the_limit(self) -> None:
        parser = MessageParser(self.LIMIT)
        for _ in range(1000):
            parser.feed(b"x" * 50)
            assert len(parser._rest) <= self.LIMIT

    def test_four_megabytes_are_within_the_real_limit(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG)
        stream = b"data: " + b"x" * (4 * 1024 * 1024) + b"\n\n"

        (text,) = data_of(*pieces(stream, 512))

        assert len(text) == 4 * 1024 * 1024
        assert not caplog.records


def test_pieces_of_a_long_line_are_appended_in_place() -> None:
    # Copying the line before each piece would take the square of its length.
    parser = MessageParser()
    parser.feed(b"data: ")
    line = parser._rest
    for _ in range(4 * 1024):
        assert parser.feed(b"x" * 1024) == []
        assert parser._rest is line

    (message,) = parser.feed(b"\n\n")
    assert len(message.data) == 4 * 1024 * 1024
