"""Events do not depend on how the bytes are cut, and are those of the standard."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from support.event_streams import BOM, cut_at, parsed, pieces
from vendo._protocol.sse import MessageParser

_PIECES = st.sampled_from(
    [
        *(b"data: a", b"data", b"data:", b"id: 1", b"id", b"id: \0", b"event: x", b"retry: 5"),
        *(
            b"\n",
            b"\r",
            b"\r\n",
            b"\n\n",
            b"\r\r",
            b": c",
            BOM,
            b"\xff",
            b"x" * 40,
            b"\xe2\x98\x95",
        ),
    ]
)
_STREAMS = st.lists(_PIECES | st.binary(max_size=8), max_size=40).map(b"".join)


@given(_STREAMS, st.lists(st.integers(0, 300), max_size=20))
def test_messages_do_not_depend_on_how_the_bytes_are_cut(stream: bytes, cuts: list[int]) -> None:
    whole, cut, bytewise = (MessageParser(30) for _ in range(3))

    expected = parsed(stream, parser=whole)

    assert parsed(*cut_at(stream, cuts), parser=cut) == expected
    assert parsed(*pieces(stream, 1), parser=bytewise) == expected
    for parser in (cut, bytewise):
        assert (parser.last_event_id, parser.retry) == (whole.last_event_id, whole.retry)


def reference(stream: bytes) -> list[tuple[str, str, str]]:
    """Follow the standard's own steps on the whole stream as text, without regard for speed."""
    text = stream.decode("utf-8", "replace").removeprefix("\ufeff")
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")[:-1]
    found, data, kind, last, buffer = [], "", "", "", ""
    for line in lines:
        if not line:
            last = buffer
            if data:
                found.append((kind or "message", data.removesuffix("\n"), last))
            data = kind = ""
            continue
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            data += value + "\n"
        elif name == "event":
            kind = value
        elif name == "id" and "\0" not in value:
            buffer = value
    return found


@given(_STREAMS)
def test_the_messages_are_those_of_the_standards_steps(stream: bytes) -> None:
    found = [(m.type, m.data, m.last_event_id) for m in parsed(stream)]

    assert found == reference(stream)
