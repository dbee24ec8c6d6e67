"""The platform's events out of its event stream (wire contract, "Events"), without I/O."""

from __future__ import annotations

import json
from collections import deque

from vendo._protocol.log import logger
from vendo._protocol.models import VendoEvent
from vendo._protocol.sse import MessageParser

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final

    from vendo._protocol.sse import Message

#: For old clients the platform says everything about a connection a second time, by these names.
_OLD_NAMES: Final = {
    "connection_created": "connection.connected",
    "connection_deleted": "connection.disconnected",
    "connection_updated": "connection.changed",
}
#: More than the platform can send again: it keeps 100 events.
_REMEMBERED: Final = 256
#: Characters; a longer id is neither remembered nor sent back, which happens in a header.
_LONGEST_ID: Final = 256


class EventReader:
    """The events of one subscription, each once, over as many connections as it takes.

    An event is known again by its id: the second block that carries it is dropped, be it the
    repeat for old clients or what a server sends again after a reconnection. Kinds that this
    version does not know are passed on. What is no event is left out, with a line in the log.
    """

    def __init__(self) -> None:
        self._parser = MessageParser()
        #: To be sent as `Last-Event-ID`; empty where there is nothing to go on after.
        self.last_event_id = ""
        self._seen: set[str] = set()
        self._order: deque[str] = deque()

    @property
    def retry(self) -> float | None:
        """Seconds to wait before connecting again, where the server said so."""
        retry = self._parser.retry
        return None if retry is None else retry / 1000

    def connected(self) -> None:
        """A new connection begins: what the last one left unfinished is dropped."""
        self._parser.connected()

    def feed(self, chunk: bytes) -> list[VendoEvent]:
        """The events that a piece of the stream completes."""
        events = []
        for message in self._parser.feed(chunk):
            event = self._event_of(message)
            if event is not None:
                events.append(event)
        last = self._parser.last_event_id
        # One that no header can hold would break the reconnection. Going on after an earlier one
        # costs a repetition, which is recognised.
        if len(last) <= _LONGEST_ID and last.isascii() and last.isprintable():
            self.last_event_id = last
        return events

    def _event_of(self, message: Message) -> VendoEvent | None:
        own_id = message.last_event_id if message.has_id else ""
        if own_id in self._seen:
            return None
        data = _object(message.data)
        if data is None:
            # Its text is not logged: whose it is, and what it holds, is not known.
            logger.warning(
                "An event of kind %.80r is no JSON object, and was left out.", message.type
            )
            return None
        event_id = own_id or _text(data, "id")
        kind = _text(data, "kind") or message.type
        if not event_id and message.type in _OLD_NAMES:
            return None  # nothing but the repeat of a block that had no id either
        if event_id and not self._is_new(event_id):
            return None
        if kind in _OLD_NAMES:
            kind = "connection.status_changed" if "status" in data else _OLD_NAMES[kind]
        return VendoEvent(kind, event_id or None, _text(data, "at") or None, data)

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


def _text(data: dict[str, Any], name: str) -> str:
    value = data.get(name)
    return value if isinstance(value, str) else ""


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
