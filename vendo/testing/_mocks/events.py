"""`MockSSE`: an event stream that a test feeds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

from vendo._client.async_streams import AsyncEventStream
from vendo._client.event_watch import EventWatch
from vendo._client.streams import EventStream
from vendo._protocol.models import EventStreamMessage


class MockSSE:
    """Feed an event stream without a server: `MockClient(events=MockSSE())`.

    Every subscriber gets all events from the first one on, and waits for more until the stream is
    closed. Iterating over the `MockSSE` itself does not wait: it yields the events so far, and
    ends. Thread-safe. As a context manager it is closed at the end.

    Args:
        events: the first events, or dicts of their fields.

    Raises:
        TypeError: it is not an event.

    Example:
        ```python
        from vendo.testing import MockClient, MockSSE

        with MockSSE() as stream:
            stream.push("connection.changed", {"slug": "gmail"})
        for event in MockClient(events=stream).events.subscribe():
            print(event.type, event.data)
        ```
    """

    def __init__(self, events: Iterable[EventStreamMessage | Mapping[str, Any]] = ()) -> None:
        self._events = list(map(_event, events))
        self._closed = False
        self._wakers: set[Callable[[], None]] = set()
        self._changed = threading.Condition()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "open"
        return f"<MockSSE, {len(self._events)} events, {state}>"

    def __iter__(self) -> Iterator[EventStreamMessage]:
        """Iterate over the events so far, without waiting for more."""
        with self._changed:
            return iter([*self._events])

    def push(
        self,
        event_or_type: EventStreamMessage | Mapping[str, Any] | str,
        data: Any = None,
        *,
        id: str | None = None,  # noqa: A002  # the name of the field
        retry: int | None = None,
    ) -> EventStreamMessage:
        """Send one event.

        Args:
            event_or_type: an event or a dict of its fields, or the type of a new one.
            data: its data; an empty dict by default.
            id: its id; the number of the event by default.
            retry: its pause before a reconnection, in milliseconds.

        Returns:
            The event that was sent.

        Raises:
            TypeError: it is not an event, or there is one of the other arguments too.

        Example:
            ```python
            from vendo.testing import MockSSE

            stream = MockSSE()
            event = stream.push("connection.changed", {"slug": "gmail"})
            print(event.id)  # 1
            ```
        """
        is_event = not isinstance(event_or_type, str)
        if is_event and (data, id, retry) != (None, None, None):
            raise TypeError("An event that is pushed cannot be changed: push a type and its data.")
        with self._changed:
            if not isinstance(event_or_type, str):
                event = _event(event_or_type)
            else:
                number = str(len(self._events) + 1) if id is None else id
                event = EventStreamMessage(
                    event_or_type, {} if data is None else data, number, retry
                )
            self._events.append(event)
        self._wake()
        return event

    def close(self) -> None:
        """End the stream after the events so far.

        Example:
            ```python
            from vendo.testing import MockClient, MockSSE

            stream = MockSSE()
            stream.push("connection.changed", {"slug": "gmail"})
            stream.close()
            print(len(list(MockClient(events=stream).events.subscribe())))  # 1
            ```
        """
        with self._changed:
            self._closed = True
        self._wake()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()
            wakers = list(self._wakers)
        for wake in wakers:
            wake()

    def _has_news(self, position: int) -> bool:
        return self._closed or position < len(self._events)

    def _at(self, position: int) -> EventStreamMessage | None:
        return self._events[position] if position < len(self._events) else None


def _event(value: EventStreamMessage | Mapping[str, Any]) -> EventStreamMessage:
    if isinstance(value, EventStreamMessage):
        return value
    if isinstance(value, Mapping) and isinstance(value.get("type"), str):
        return EventStreamMessage(**{"data": {}, **value})
    raise TypeError(
        "An event must be an EventStreamMessage, or a dict with its type and data, not "
        f"{value!r:.80}."
    )


class MockEventStream(EventStream):
    """The result of `MockClient.events.subscribe()`."""

    def __init__(self, source: MockSSE) -> None:
        self._source = source
        self._position = 0
        self._closed = threading.Event()

    def __next__(self) -> EventStreamMessage:
        """Return the next event, and wait for one while the stream is open."""
        source = self._source
        with source._changed:
            source._changed.wait_for(
                lambda: self._closed.is_set() or source._has_news(self._position)
            )
            event = None if self._closed.is_set() else source._at(self._position)
        if event is None:
            self._closed.set()
            raise StopIteration
        self._position += 1
        return event

    def close(self) -> None:
        """End the iteration, also if another thread waits for an event."""
        self._closed.set()
        self._source._wake()


class MockAsyncEventStream(AsyncEventStream):
    """The result of `MockAsyncClient.events.subscribe()`."""

    def __init__(self, source: MockSSE) -> None:
        self._source = source
        self._position = 0
        self._ended = False

    async def __anext__(self) -> EventStreamMessage:
        """Return the next event, and wait for one while the stream is open."""
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def wake() -> None:
            loop.call_soon_threadsafe(news.set)

        source = self._source
        with source._changed:
            source._wakers.add(wake)
        try:
            while not (self._ended or source._has_news(self._position)):
                await news.wait()
                news.clear()
        finally:
            with source._changed:
                source._wakers.discard(wake)
        event = None if self._ended else source._at(self._position)
        if event is None:
            self._ended = True
            raise StopAsyncIteration
        self._position += 1
        return event

    def _close(self) -> None:
        self._ended = True
        self._source._wake()


class MockEventWatch(EventWatch):
    """The result of `MockClient.events.watch()`. A mock does not have a cache to update."""

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._running = True

    @property
    def mode(self) -> str:
        """`redis` with a URL, else `stream`; `stopped` after `stop`."""
        return self._mode if self._running else "stopped"

    @property
    def is_running(self) -> bool:
        """True until `stop`."""
        return self._running

    def stop(self) -> None:
        """Stop watching."""
        self._running = False
