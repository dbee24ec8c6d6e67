"""A stream of events, for asyncio code."""

from __future__ import annotations

import asyncio
import sys
from types import TracebackType
from typing import Self

from vendo._client.interfaces import AsyncClient
from vendo._client.streams import subscribed
from vendo._protocol.models import EventStreamMessage
from vendo._protocol.steps import Head, Pause, Request
from vendo._protocol.subscription import CloseStream, OpenStream, ReadChunk
from vendo._protocol.tracebacks import cut_tracebacks
from vendo._transports.interfaces import AsyncStream
from vendo.errors import UpstreamError, VendoError, without_frames


class AsyncEventStream:
    """Iterate over events: what `events.subscribe()` of an `AsyncVendo` returns.

    An `async with` block closes the connection. Cancelling the task that iterates closes it too.
    It reconnects by itself, and ends as an `EventStream` does.

    Example:
        ```python
        import asyncio

        import vendo


        async def main():
            async with vendo.aio.events.subscribe() as events:
                async for event in events:
                    print(event.type, event.slug)
                    break


        asyncio.run(main())
        ```
    """

    def __init__(self, client: AsyncClient, max_backoff_sec: float) -> None:
        self._stream: AsyncStream | None = None
        self._pause: asyncio.Future[None] | None = None
        self._opening: asyncio.Future[AsyncStream] | None = None
        self._subscription = subscribed(client._settings, max_backoff_sec)
        self._transport = client._opened_transport()
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> EventStreamMessage:
        """Wait for the next event.

        Returns:
            The event.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the response of the backend is not an event stream.

        Example:
            ```python
            import asyncio

            import vendo


            async def main():
                async with vendo.aio.events.subscribe() as events:
                    print((await anext(events)).slug)


            asyncio.run(main())
            ```
        """
        handled = sys.exception()
        try:
            event = await self._next_event()
        except VendoError as error:
            self._close()
            raise without_frames(error) from None
        except BaseException as error:
            self._close()
            cut_tracebacks(error, handled, "vendo")
            raise
        if event is None:
            self._close()
            raise StopAsyncIteration
        return event

    async def _next_event(self) -> EventStreamMessage | None:
        """Do the same; None after the last one. Responses are in its variables."""
        outcome: object = None
        failure: UpstreamError | None = None
        while not self._ended:
            flow = self._subscription
            try:
                step = flow.throw(failure) if failure is not None else flow.send(outcome)
            except StopIteration:
                return None
            outcome = failure = None
            try:
                if isinstance(step, ReadChunk):
                    outcome = await self._read(step)
                elif isinstance(step, OpenStream):
                    outcome = await self._opened(step.request)
                elif isinstance(step, Pause):
                    await self._wait(step.seconds)
                elif isinstance(step, CloseStream):
                    self._close_stream()
                else:
                    return step
            except UpstreamError as error:
                failure = error
        return None

    async def aclose(self) -> None:
        """Close the connection and end the iteration.

        Example:
            ```python
            import asyncio

            import vendo


            async def main():
                events = vendo.aio.events.subscribe()
                print((await anext(events)).type)
                await events.aclose()


            asyncio.run(main())
            ```
        """
        self._close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._close()

    def __del__(self) -> None:
        # Nothing else closes it after `async for event in subscribe(): break`.
        if hasattr(self, "_ended"):
            self._close()

    def _close(self) -> None:
        self._ended = True
        self._close_stream()
        if self._pause is not None and not self._pause.done():
            self._pause.set_result(None)  # closed by another task
        if self._opening is not None:
            self._opening.cancel()

    async def _opened(self, request: Request) -> Head | None:
        """Open the stream; None if another task closes it meanwhile."""
        opening = self._opening = asyncio.ensure_future(self._transport.open(request))
        try:
            self._stream = await opening
        except asyncio.CancelledError:
            if opening.done() and not opening.cancelled() and opening.exception() is None:
                opening.result().close()  # it was opened at the same moment
            task = asyncio.current_task()
            if self._ended and task is not None and not task.cancelling():
                return None
            raise
        else:
            return self._stream.head
        finally:
            self._opening = None

    async def _wait(self, seconds: float) -> None:
        self._pause = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._pause], timeout=seconds)

    async def _read(self, step: ReadChunk) -> bytes:
        stream = self._stream
        return b"" if stream is None else await stream.read(step.timeout)  # None: closed

    def _close_stream(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
