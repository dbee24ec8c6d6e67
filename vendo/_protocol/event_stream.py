"""Read the platform's events from its event stream (wire contract, "Events"), without I/O."""

from __future__ import annotations

import json
from collections import deque

from vendo._protocol.models import EventStreamMessage
from vendo._protocol.sse import MessageParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, NoReturn

    from vendo._protocol.sse import Message

#: For old clients, the platform sends each event of a connection again under these names.
_OLD_NAMES: Final = {
    "connection_created": "connection.connected",
    "connection_deleted": "connection.disconnected",
    "connection_updated": "connection.changed",
}
#: More than the platform sends again after a reconnection: 100 events.
_REMEMBERED: Final = 256
#: Characters. A longer id is not remembered, and not sent in `Last-Event-ID`.
_LONGEST_ID: Final = 256


class EventReader:
    """The events of one subscription, each once, over any number of connections.

    An event is recognised by its id. The second block with an id is dropped: a copy for old
    clients, or a repetition after a reconnection. Events of an unknown type are returned.
    """

    def __init__(self, last_event_id: str = "") -> None:
        self._parser = MessageParser()
        #: Sent as `Last-Event-ID`; empty before the first event.
        self.last_event_id: str = last_event_id if _fits_header(last_event_id) else ""
        self._parser.last_event_id = self.last_event_id
        self._seen: set[str] = set()
        self._order: deque[str] = deque()

    @property
    def retry(self) -> float | None:
        """Seconds to wait before connecting again, if the server sent a number."""
        retry = self._parser.retry
        return None if retry is None else retry / 1000

    def connected(self) -> None:
        """Begin a new connection: drop what the last one left unfinished."""
        self._parser.connected()

    def feed(self, chunk: bytes) -> list[EventStreamMessage]:
        """Return the events that a piece of the stream completes."""
        events = []
        for message in self._parser.feed(chunk):
            event = self._event_of(message)
            if event is not None:
                events.append(event)
        last = self._parser.last_event_id
        # An id that does not fit a header would break the reconnection. An earlier id costs a
        # repetition, which is dropped.
        if _fits_header(last):
            self.last_event_id = last
        return events

    def _event_of(self, message: Message) -> EventStreamMessage | None:
        own_id = message.last_event_id if message.has_id else ""
        if own_id in self._seen:
            return None
        data = _decoded(message.data)
        event_id = own_id or _text(data, "id")
        kind = message.type
        if kind == "message" or kind in _OLD_NAMES:
            kind = _text(data, "kind") or kind
        if not event_id and message.type in _OLD_NAMES:
            return None  # the copy of a block that had no id either
        if event_id and not self._is_new(event_id):
            return None
        if kind in _OLD_NAMES:
            kind = "connection.status_changed" if _text(data, "status") else _OLD_NAMES[kind]
        last_id = message.last_event_id or event_id
        return EventStreamMessage(kind, data, last_id or None, message.retry)

    def _is_new(self, event_id: str) -> bool:
        if event_id in self._seen:
            return False
        if len(event_id) > _LONGEST_ID:
            return True
        self._seen.add(event_id)
        self._order.append(event_id)
        if len(self._order) > _REMEMBERED:
            self._seen.discard(self._order.popleft())
        return True


def _fits_header(event_id: str) -> bool:
    return len(event_id) <= _LONGEST_ID and event_id.isascii() and event_id.isprintable()


def _text(data: Any, name: str) -> str:
    value = data.get(name) if isinstance(data, dict) else None
    return value if isinstance(value, str) else ""


def _decoded(text: str) -> Any:
    """Return the JSON value of a text, or the text itself if it is not JSON."""
    try:
        return json.loads(text, parse_constant=_reject)
    except (ValueError, RecursionError):
        return text


def _reject(constant: str) -> NoReturn:
    raise ValueError(constant)  # Python's decoder accepts NaN, which JSON does not have
