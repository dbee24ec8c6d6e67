"""Parse server-sent events from bytes (HTML standard, section 9.2), without I/O.

Each byte is read a bounded number of times, so that a line of megabytes in small pieces costs no
more than its length. At most one event is held, so that a server cannot fill the memory.
"""

from __future__ import annotations

from typing import NamedTuple

from vendo._protocol.log import logger

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final

#: The longest line, and the longest data lines of one event together. Longer events are dropped.
MAX_EVENT_BYTES: Final = 8 * 1024 * 1024
#: Milliseconds, nearly a year. A longer number is cut to this one.
LONGEST_RETRY: Final = 30_000_000_000

_BOM: Final = b"\xef\xbb\xbf"


class Message(NamedTuple):
    """One event of the stream."""

    type: str
    data: str
    #: The id to resume after: this event's, or else that of an earlier event.
    last_event_id: str
    has_id: bool
    #: Milliseconds, if the event itself has the field.
    retry: int | None = None


class MessageParser:
    """The messages of one stream, over any number of connections."""

    __slots__ = (
        "_after_cr",
        "_data",
        "_id",
        "_in_long_line",
        "_is_too_long",
        "_max_bytes",
        "_rest",
        "_retry",
        "_size",
        "_start",
        "_type",
        "last_event_id",
        "retry",
    )

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max_bytes = max_event_bytes
        #: The id to resume after, or empty. It is kept over connections.
        self.last_event_id = ""
        #: Milliseconds to wait before connecting again, if the server sent a number.
        self.retry: int | None = None
        self.connected()

    def connected(self) -> None:
        """Begin a new connection: drop what the last one left unfinished."""
        #: The first bytes while they may become a byte order mark; None after that.
        self._start: bytes | None = b""
        self._after_cr = False
        #: The beginning of a line that is not complete.
        self._rest = bytearray()
        self._in_long_line = False
        self._begin_event()

    def _begin_event(self) -> None:
        self._type = b""
        self._data: list[bytes] = []
        self._id: bytes | None = None
        self._retry: int | None = None
        #: Bytes of the data lines so far.
        self._size = 0
        self._is_too_long = False

    def feed(self, chunk: bytes) -> list[Message]:
        """Return the messages that a piece of the stream completes."""
        if self._start is not None:
            chunk = self._start + chunk
            if len(chunk) < len(_BOM) and _BOM.startswith(chunk):
                self._start = chunk
                return []
            self._start = None
            chunk = chunk.removeprefix(_BOM)
        if not chunk:
            return []
        if self._after_cr:
            # The second half of a line end. Its first half was handled with the last piece.
            self._after_cr = False
            chunk = chunk.removeprefix(b"\n")
        if b"\r" in chunk:
            self._after_cr = chunk.endswith(b"\r")
            chunk = chunk.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        lines = chunk.split(b"\n")
        rest = lines.pop()
        if lines:
            if self._in_long_line:
                self._in_long_line = False
                del lines[0]
            elif self._rest:
                self._rest += lines[0]
                lines[0] = bytes(self._rest)
            self._rest = bytearray()
        messages = self._read(lines)
        self._keep(rest)
        return messages

    def _read(self, lines: list[bytes]) -> list[Message]:
        messages = []
        for line in lines:
            if not line:
                message = self._dispatch()
                if message is not None:
                    messages.append(message)
                continue
            if self._size + len(line) > self._max_bytes:
                self._overflow(line[:1])
                continue
            # Not `partition`, which would copy a value of megabytes twice.
            colon = line.find(b":")
            if colon < 0:
                colon = len(line)
            name = line[:colon]
            value = line[colon + (2 if line[colon + 1 : colon + 2] == b" " else 1) :]
            if name == b"data":
                if not self._is_too_long:
                    self._data.append(value)
                    self._size += len(line)
            else:
                self._set(name, value)
        return messages

    def _set(self, name: bytes, value: bytes) -> None:
        """Set a field other than `data`. A comment has an empty name, which is unknown."""
        if name == b"event":
            self._type = value
        elif name == b"id" and b"\0" not in value:
            self._id = value
        elif name == b"retry" and value.isdigit():
            digits = value.lstrip(b"0")
            self.retry = self._retry = LONGEST_RETRY if len(digits) > 10 else int(digits or b"0")

    def _keep(self, rest: bytes) -> None:
        if self._in_long_line:
            return
        self._rest += rest
        if self._size + len(self._rest) > self._max_bytes:
            self._overflow(bytes(self._rest[:1]))
            self._in_long_line = True
            self._rest = bytearray()

    def _overflow(self, first: bytes) -> None:
        """Drop an event with a line that is too long. A long comment does no harm."""
        if first != b":":
            self._is_too_long = True
            self._data = []
            self._size = 0

    def _dispatch(self) -> Message | None:
        has_id = self._id is not None
        if self._id is not None:
            self.last_event_id = self._id.decode("utf-8", "replace")
        message = None
        if self._is_too_long:
            logger.warning("Ignored an event of more than %s bytes.", self._max_bytes)
        elif self._data:
            data = b"\n".join(self._data).decode("utf-8", "replace")
            kind = self._type.decode("utf-8", "replace") or "message"
            message = Message(kind, data, self.last_event_id, has_id, self._retry)
        self._begin_event()
        return message
