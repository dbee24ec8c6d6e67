"""Server-sent events are parsed as in the standard: vectors, line ends and fields."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from support.event_streams import BOM, data_of, parsed, pieces
from support.vectors import Row, rows
from vendo._protocol.event_stream import EventReader
from vendo._protocol.sse import Message, MessageParser


@pytest.mark.parametrize("row", rows("sse.json"), ids=lambda row: row["name"])
@pytest.mark.parametrize("cut", ["as given", "one byte each"])
def test_vector(row: Row, cut: str) -> None:
    chunks = [bytes.fromhex(chunk) for chunk in row["chunks_hex"]]
    if cut == "one byte each":
        chunks = pieces(b"".join(chunks), 1)
    reader = EventReader()

    found = [asdict(event) for chunk in chunks for event in reader.feed(chunk)]

    assert found == row["events"]
    assert reader.last_event_id == row["last_event_id"]


class TestByteOrderMark:
    @pytest.mark.parametrize(
        "chunks",
        [
            [BOM + b"data: 1\n\n"],
            [BOM[:1], BOM[1:] + b"data: 1\n\n"],
            [BOM[:2], BOM[2:] + b"data: 1\n\n"],
            [BOM, b"data: 1\n\n"],
            [b"", BOM[:1], b"", BOM[1:2], b"", BOM[2:], b"data: 1\n\n"],
        ],
    )
    def test_is_skipped_whole_or_split(self, chunks: list[bytes]) -> None:
        assert data_of(*chunks) == ["1"]

    def test_counts_only_at_the_start(self) -> None:
        assert data_of(BOM + BOM + b"data: 1\n\ndata: 2\n\n") == ["2"]
        assert data_of(b"data: 1\n\n" + BOM + b"data: 2\n\ndata: 3\n\n") == ["1", "3"]

    def test_counts_at_the_start_of_each_connection(self) -> None:
        parser = MessageParser()
        parsed(BOM + b"data: 1\n\n", parser=parser)
        parser.connected()

        assert [m.data for m in parsed(BOM + b"data: 2\n\n", parser=parser)] == ["2"]

    def test_half_of_one_is_an_unknown_field(self) -> None:
        assert data_of(BOM[:2] + b"data: 1\ndata: 2\n\n") == ["2"]


class TestLineEnds:
    @pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
    def test_each_kind_ends_a_line(self, end: bytes) -> None:
        lines = [b"id: 7", b"event: x", b"data: a", b"data: b", b"", b"data: c", b"", b""]
        stream = end.join(lines)

        expected = [Message("x", "a\nb", "7", True), Message("message", "c", "7", False)]
        assert parsed(stream) == expected
        assert parsed(*pieces(stream, 1)) == expected

    def test_kinds_may_be_mixed(self) -> None:
        assert data_of(b"data: a\rdata: b\r\ndata: c\n\r\r\ndata: d\n\r") == ["a\nb\nc", "d"]

    def test_event_at_a_bare_cr_does_not_wait_for_an_lf(self) -> None:
        assert data_of(b"data: 1\r\r") == ["1"]

    def test_a_crlf_split_between_chunks_is_one_line_end(self) -> None:
        assert data_of(b"data: a\r", b"\ndata: b\r", b"\n\r", b"\ndata: c\r\n\r", b"\n") == [
            "a\nb",
            "c",
        ]

    def test_an_empty_chunk_inside_a_crlf_changes_nothing(self) -> None:
        assert data_of(b"data: a\r", b"", b"\ndata: b\r\n\r\n") == ["a\nb"]

    def test_a_cr_and_an_lf_of_two_connections_are_two(self) -> None:
        parser = MessageParser()
        parsed(b"data: 1\r", parser=parser)
        parser.connected()

        assert parsed(b"\n\ndata: 2\n\n", parser=parser) == [Message("message", "2", "", False)]

    @pytest.mark.parametrize("text", ["\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
    def test_nothing_else_ends_a_line(self, text: str) -> None:
        assert data_of(f"data: a{text}b\n\n".encode()) == [f"a{text}b"]


class TestFields:
    def test_empty_data_line_is_an_event_with_empty_data(self) -> None:
        assert data_of(b"data\n\n", b"data:\n\n", b"data: \n\n") == ["", "", ""]

    def test_two_empty_data_lines_are_one_line_end(self) -> None:
        assert data_of(b"data\ndata\n\n") == ["\n"]

    @pytest.mark.parametrize("block", [b"event: x", b"id: 5", b"retry: 9", b": comment", b"x: 1"])
    def test_a_block_without_data_is_not_an_event(self, block: bytes) -> None:
        assert parsed(block + b"\n\n") == []

    def test_the_type_of_a_block_without_data_is_forgotten(self) -> None:
        assert [m.type for m in parsed(b"event: lost\n\ndata: 1\n\n")] == ["message"]

    def test_the_type_does_not_stay_for_the_next_event(self) -> None:
        assert [m.type for m in parsed(b"event: x\ndata: 1\n\ndata: 2\n\n")] == ["x", "message"]

    def test_the_last_of_several_types_counts(self) -> None:
        assert [m.type for m in parsed(b"event: x\nevent: y\ndata: 1\n\n")] == ["y"]

    @pytest.mark.parametrize(
        ("line", "value"),
        [
            (b"data:x", "x"),
            (b"data: x", "x"),
            (b"data:  x", " x"),
            (b"data:\tx", "\tx"),
            (b"data: x ", "x "),
            (b"data: a: b", "a: b"),
            (b"data::", ":"),
        ],
    )
    def test_one_leading_space_is_dropped_and_no_more(self, line: bytes, value: str) -> None:
        assert data_of(line + b"\n\n") == [value]

    @pytest.mark.parametrize("line", [b" data: x", b"DATA: x", b"data : x", b"dat: x", b":data: x"])
    def test_any_other_name_is_ignored(self, line: bytes) -> None:
        assert data_of(line + b"\ndata: y\n\n") == ["y"]

    def test_comment_between_data_lines_is_ignored(self) -> None:
        assert data_of(b"data: a\n: ping\ndata: b\n\n") == ["a\nb"]

    @pytest.mark.parametrize(
        ("sent", "text"),
        [
            (b"\xff", "\ufffd"),
            (b"\xc3", "\ufffd"),
            (b"a\xe2\x98", "a\ufffd"),
            (b"\xe2\x98x", "\ufffdx"),
            (b"\xed\xa0\x80", "\ufffd\ufffd\ufffd"),
            ("\u2615".encode(), "\u2615"),
        ],
    )
    def test_invalid_utf8_becomes_a_replacement_character(self, sent: bytes, text: str) -> None:
        stream = b"event: " + sent + b"\ndata: " + sent + b"\nid: " + sent + b"\n\n"

        expected = [Message(text, text, text, True)]
        assert parsed(stream) == expected
        assert parsed(*pieces(stream, 1)) == expected
