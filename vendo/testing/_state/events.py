"""The latest events, and the open event streams (wire contract, "Events")."""

from __future__ import annotations

import json
import selectors
import socket
import threading
from collections import deque

from vendo.testing._http.errors import ApiError
from vendo.testing._http.messages import Response
from vendo.testing._state.connections import as_rfc3339

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing._http.messages import Json
    from vendo.testing._http.wire import Wire

MOST_STREAMS = 5
KEPT_EVENTS = 100

_ID_PREFIX = "evt_"
_OLD_NAMES = {
    "connection.connected": "connection_created",
    "connection.disconnected": "connection_deleted",
    "connection.changed": "connection_updated",
    "connection.status_changed": "connection_updated",
}


class Stream:
    """One open event stream."""

    def __init__(self, waiting: list[bytes]) -> None:
        self._waiting = deque(waiting)
        self._waker, self._wakened = socket.socketpair()
        self._closing = False

    def push(self, block: bytes) -> None:
        """Queue a block."""
        self._waiting.append(block)
        self._wake()

    def close(self) -> None:
        """End the stream after the queued blocks."""
        self._closing = True
        self._wake()

    def _wake(self) -> None:
        try:
            self._waker.send(b"x")
        except OSError:
            return  # the client has left

    def run(self, wire: Wire, head: bytes, heartbeat: float) -> None:
        """Send the head and blocks until the client leaves or the stream is closed.

        Args:
            wire: the client's connection. Call this in its thread.
            head: the head of the response.
            heartbeat: seconds of silence after which a comment is sent.
        """
        with selectors.DefaultSelector() as selector, self._waker, self._wakened:
            wire.sock.sendall(head)
            selector.register(wire.sock, selectors.EVENT_READ)
            selector.register(self._wakened, selectors.EVENT_READ)
            while True:
                while self._waiting:
                    wire.send(self._waiting.popleft(), chunked=True)
                if self._closing:
                    wire.sock.sendall(b"0\r\n\r\n")
                    return
                ready = {key.fileobj for key, _ in selector.select(heartbeat)}
                if not ready:
                    wire.send(b": heartbeat\n\n", chunked=True)
                if wire.sock in ready and not wire.sock.recv(4096):
                    return
                if self._wakened in ready:
                    self._wakened.recv(4096)


class EventHub:
    """Keep the latest events and send each to every stream."""

    def __init__(
        self, now: Callable[[], float], heartbeat: float, retry: float | None, first_number: int
    ) -> None:
        self._now = now
        self._heartbeat = heartbeat
        self._retry = retry
        self._number = first_number
        self._kept: deque[tuple[int, bytes]] = deque(maxlen=KEPT_EVENTS)
        self._streams: set[Stream] = set()
        self._changed = threading.Condition()
        self._closed = False

    @property
    def next_number(self) -> int:
        """The number of the next event.

        It continues after a reset, so that a client of before does not take a new event for an
        earlier one.
        """
        return self._number

    @property
    def open_streams(self) -> int:
        """The number of open streams."""
        return len(self._streams)

    def emit(self, kind: str, **fields: Json) -> str:
        """Send an event to every stream, and to those that reconnect later. Return its id."""
        with self._changed:
            number = self._number
            self._number += 1
            event_id = f"{_ID_PREFIX}{number}"
            data = {"id": event_id, "at": as_rfc3339(self._now()), "kind": kind, **fields}
            names = [kind, _OLD_NAMES[kind]] if kind in _OLD_NAMES else [kind]
            text = json.dumps(data, separators=(",", ":"))
            blocks = "".join(f"id: {event_id}\nevent: {name}\ndata: {text}\n\n" for name in names)
            block = blocks.encode()
            self._kept.append((number, block))
            for stream in self._streams:
                stream.push(block)
            return event_id

    def subscribe(self, last_event_id: str | None) -> Response:
        """Return a response that streams the events after `last_event_id`, and all new ones.

        Raises:
            ApiError: too many streams are open.
        """
        opening = [b": connected\n\n"]
        if self._retry is not None:
            opening = [f"retry: {int(self._retry * 1000)}\n\n".encode()]
        with self._changed:
            if len(self._streams) >= MOST_STREAMS:
                raise ApiError(
                    "rate_limit_sse_streams",
                    f"An app may open {MOST_STREAMS} event streams.",
                )
            if last_event_id:
                after = _number_of(last_event_id)
                opening += [block for number, block in self._kept if number > after]
            stream = Stream(opening)
            if self._closed:
                stream.close()
            self._streams.add(stream)
            self._changed.notify_all()

        def send(wire: Wire, head: bytes) -> None:
            try:
                stream.run(wire, head, self._heartbeat)
            finally:
                self._remove(stream)

        headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-store"}
        return Response(200, b"", headers, send)

    def close(self) -> None:
        """End every stream."""
        with self._changed:
            self._closed = True
            for stream in self._streams:
                stream.close()

    def join(self, timeout: float) -> None:
        """Wait up to `timeout` seconds until the closed streams have ended."""
        with self._changed:
            self._changed.wait_for(lambda: not self._streams, timeout)

    def open(self) -> None:
        """Accept streams again."""
        with self._changed:
            self._closed = False

    def wait_for_streams(self, n: int, timeout: float) -> None:
        """Block until exactly `n` streams are open.

        Raises:
            TimeoutError: the number is different after `timeout` seconds.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: len(self._streams) == n, timeout):
                raise TimeoutError(
                    f"{len(self._streams)} streams are open after {timeout} s, not {n}."
                )

    def _remove(self, stream: Stream) -> None:
        with self._changed:
            self._streams.discard(stream)
            self._changed.notify_all()


def _number_of(event_id: str) -> int:
    digits = event_id.strip().removeprefix(_ID_PREFIX)
    # An unknown id: send everything that is kept.
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 18 else 0
