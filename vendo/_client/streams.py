"""A stream of events, for blocking code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Self

from vendo._client.interfaces import EventSource
from vendo._protocol.event_stream import EventReader
from vendo._protocol.models import EventStreamMessage
from vendo._protocol.steps import Head, Pause
from vendo._protocol.subscription import (
    PATH,
    CloseStream,
    OpenStream,
    ReadChunk,
    checked_backoff,
    subscription,
)
from vendo._protocol.tracebacks import cut_tracebacks
from vendo._transports.blocking_stream import BlockingStream
from vendo.errors import UpstreamError, VendoError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.settings import Settings
    from vendo._protocol.subscription import Subscription


class EventStream:
    """Iterate over events: what `events.subscribe()` returns. A `with` block closes the connection.

    It reconnects by itself. It ends when it is closed, when the server ends it with a 204, or with
    an exception. Iterate in one thread; `close` may be called from any thread.

    Example:
        ```python
        import vendo

        with vendo.events.subscribe() as events:
            event = next(events)
            print(event.type, event.data)
        ```
    """

    def __init__(
        self,
        client: EventSource,
        max_backoff_sec: float,
        *,
        reader: EventReader | None = None,
        opened: Callable[[], None] | None = None,
    ) -> None:
        self._is_closed = False
        #: Ends a pause. Unlike an `Event`, a signal handler may put into it any time.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._stream: BlockingStream | None = None
        self._subscription = subscribed(
            client._settings, max_backoff_sec, reader=reader, opened=opened
        )
        self._transport = client._stream_transport()

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> EventStreamMessage:
        """Wait for the next event.

        Returns:
            The event.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the response of the backend is not an event stream.

        Example:
            ```python
            import vendo

            with vendo.events.subscribe() as events:
                print(next(events).slug)
            ```
        """
        handled = sys.exception()
        try:
            event = self._next_event()
        except VendoError as error:
            self.close()
            raise without_frames(error) from None
        except BaseException as error:
            self.close()
            cut_tracebacks(error, handled, "vendo")
            raise
        if event is None:
            self.close()
            raise StopIteration
        return event

    def _next_event(self) -> EventStreamMessage | None:
        """Do the same; None after the last one. Responses are in its variables."""
        outcome: object = None
        failure: UpstreamError | None = None
        flow = self._subscription
        while not self._is_closed:
            step = flow.throw(failure) if failure is not None else flow.send(outcome)
            outcome = failure = None
            try:
                if isinstance(step, ReadChunk):
                    outcome = self._read(step)
                elif isinstance(step, OpenStream):
                    # Kept before it is open, so that `close` ends the opening too.
                    self._stream = stream = BlockingStream(self._transport, step.request)
                    outcome = self._opened(stream)
                elif isinstance(step, Pause):
                    with suppress(Empty):
                        self._wake.get(timeout=step.seconds)
                elif isinstance(step, CloseStream):
                    self._close_stream()
                else:
                    return step
            except UpstreamError as error:
                failure = error
        return None

    def close(self) -> None:
        """Close the connection and end the iteration, also if it waits in another thread.

        Example:
            ```python
            import vendo

            events = vendo.events.subscribe()
            print(next(events).type)
            events.close()
            ```
        """
        self._is_closed = True
        self._wake.put(None)
        self._close_stream()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        # Nothing else closes it after `for event in subscribe(): break`.
        if hasattr(self, "_subscription"):
            self.close()

    def _opened(self, stream: BlockingStream) -> Head:
        if self._is_closed:
            stream.close()  # by another thread, or by a signal handler, just before
        return stream.open()

    def _read(self, step: ReadChunk) -> bytes:
        stream = self._stream
        return b"" if stream is None else stream.read(step.timeout)  # None: closed

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()


def subscribed(
    settings: Settings,
    max_backoff_sec: float,
    *,
    reader: EventReader | None = None,
    opened: Callable[[], None] | None = None,
) -> Subscription:
    """Return the flow of a subscription; see `subscription` for `reader` and `opened`.

    Raises:
        VendoOnlyFeature: there is no API key.
        ValidationError: `max_backoff_sec` is not a number of seconds.
    """
    feature = "events.subscribe"
    settings.required_key(feature)
    return subscription(
        lambda: settings.caller(settings.required_key(feature)),
        lambda: settings.base_url() + PATH,
        max_backoff=checked_backoff(max_backoff_sec),
        reader=reader,
        opened=opened,
    )
