"""Cut streams of server-sent events into pieces, and parse them."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from vendo._protocol.sse import Message, MessageParser

if TYPE_CHECKING:
    from collections.abc import Iterable

BOM = b"\xef\xbb\xbf"


def parsed(*chunks: bytes, parser: MessageParser | None = None) -> list[Message]:
    """The messages of a stream that comes in these chunks."""
    parser = parser or MessageParser()
    return [message for chunk in chunks for message in parser.feed(chunk)]


def data_of(*chunks: bytes) -> list[str]:
    """The data of each message."""
    return [message.data for message in parsed(*chunks)]


def pieces(stream: bytes, size: int) -> list[bytes]:
    """The stream in pieces of so many bytes."""
    return [stream[i : i + size] for i in range(0, len(stream), size)]


def cut_at(stream: bytes, places: Iterable[int]) -> list[bytes]:
    """The stream cut at these places, those that it has."""
    edges = sorted({0, len(stream), *(place for place in places if place < len(stream))})
    return [stream[begin:end] for begin, end in pairwise(edges)]
