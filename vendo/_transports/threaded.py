"""The blocking transport in threads, for asyncio on the standard library.

The loop's default executor has few threads and belongs to the application. The threads here are
shared by all clients, end when they are idle, and do not keep the interpreter from exiting.
"""

from __future__ import annotations

import asyncio
from contextvars import copy_context
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from vendo._transports.blocking import BlockingTransport
from vendo._transports.blocking_stream import BlockingStream
from vendo._transports.errors import no_thread, unreachable
from vendo._transports.fork import notice, on_fork
from vendo.errors import UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from vendo._protocol.steps import Head, Request, Response
    from vendo._transports.interfaces import Transport

    _T = TypeVar("_T")

MAX_THREADS = 64
#: Less than a second: a client that was closed leaves no thread behind. Starting one again takes
#: less time than a call.
IDLE_SECONDS = 0.5


class Threads:
    """At most `most` daemon threads that run blocking calls for any number of event loops."""

    def __init__(self, most: int = MAX_THREADS) -> None:
        self._most = most
        self._reset()
        on_fork(self, Threads._reset)

    def _reset(self) -> None:
        self._lock = Lock()
        self._jobs: SimpleQueue[_Job] = SimpleQueue()
        self._threads = 0
        #: Calls that have not ended.
        self._pending = 0

    async def run(
        self, call: Callable[[], _T], unwanted: Callable[[_T], object] | None = None
    ) -> _T:
        """Run `call()` in one of the threads; return its result or raise its exception.

        A cancelled caller does not wait any more. The call itself runs to its end, and `unwanted`
        is called with its result.

        Raises:
            UpstreamConnectionError: no thread can be started, and none is running.
        """
        notice()
        job = _Job(call, unwanted)
        with self._lock:
            self._jobs.put(job)
            self._pending += 1
            is_short = self._threads < min(self._pending, self._most)
            if is_short:
                self._threads += 1
        if is_short:
            self._start_one(job)
        try:
            result: _T = await job.future
        except asyncio.CancelledError:
            job.give_up()
            raise
        return result

    def _start_one(self, job: _Job) -> None:
        try:
            Thread(target=self._work, args=(self._jobs,), daemon=True, name="vendo").start()
        except RuntimeError:  # the system has no more
            with self._lock:
                self._threads -= 1
                if self._threads:
                    return  # the others do it
                job.is_withdrawn = True
            raise no_thread() from None

    def _work(self, jobs: SimpleQueue[_Job]) -> None:
        while True:
            try:
                job = jobs.get(timeout=IDLE_SECONDS)
            except Empty:
                with self._lock:
                    if jobs.empty():
                        self._threads -= 1
                        return
                continue
            outcome = None if job.is_withdrawn else job.call()
            with self._lock:
                self._pending -= 1  # before its caller goes on, who may make the next call
            if outcome is not None:
                job.settle(*outcome)
            del job, outcome  # a result must not live as long as the thread waits


class _Job:
    """A call that a thread makes for a task, with the future for its outcome."""

    __slots__ = ("_call", "_context", "_loop", "_unwanted", "future", "is_withdrawn")

    def __init__(self, call: Callable[[], Any], unwanted: Callable[[Any], object] | None) -> None:
        self._call = call
        #: Of the task, as `asyncio.to_thread` does. A tracer finds its transaction there.
        self._context = copy_context()
        self._unwanted = unwanted
        #: True if its caller was given an error instead.
        self.is_withdrawn = False
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def call(self) -> tuple[object, BaseException | None]:
        """Return the result of the call, or what it raised."""
        try:
            return self._context.run(self._call), None
        except BaseException as failure:  # noqa: BLE001  # it is raised in the task
            return None, failure

    def settle(self, result: object, failure: BaseException | None) -> None:
        """Give the outcome to the task."""
        try:
            self._loop.call_soon_threadsafe(self._settle, result, failure)
        except RuntimeError:  # the loop was closed
            self._drop(result, failure)

    def give_up(self) -> None:
        """Drop the outcome, since the waiter was cancelled, perhaps after it came."""
        future = self.future
        if future.done() and not future.cancelled():
            self._drop(future.result() if future.exception() is None else None, future.exception())

    def _settle(self, result: object, failure: BaseException | None) -> None:
        if self.future.done():  # its waiter was cancelled
            self._drop(result, failure)
        elif failure is None:
            self.future.set_result(result)
        else:
            self.future.set_exception(failure)

    def _drop(self, result: object, failure: BaseException | None) -> None:
        if failure is None and self._unwanted is not None:
            self._unwanted(result)


#: The threads of all clients.
shared = Threads()


class ThreadedTransport:
    """Sends requests over kept connections, each in a thread, for asyncio code.

    One transport serves any number of event loops, also at the same time.
    """

    name = "threads"

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = BlockingTransport() if transport is None else transport

    def __repr__(self) -> str:
        return "<ThreadedTransport>"

    async def send(self, request: Request) -> Response:
        """Return the whole response. Errors as for `BlockingTransport.send`."""
        try:
            # A call waits for a thread when all are busy, for no longer than its time-out.
            async with asyncio.timeout(request.timeout):
                return await shared.run(lambda: self._transport.send(request))
        except TimeoutError as late:
            if isinstance(late, UpstreamError):
                raise
        raise unreachable(request.url, TimeoutError())

    async def open(self, request: Request) -> ThreadedStream:
        """Return the open response, to be read piece by piece; see `BlockingStream`."""
        transport = self._transport
        if not isinstance(transport, BlockingTransport):
            transport = BlockingTransport()
        stream = BlockingStream(transport, request)
        try:
            head = await shared.run(stream.open)
        except BaseException:
            stream.close()  # it waits no longer than its caller, who may be cancelled
            raise
        return ThreadedStream(stream, head)

    async def aclose(self) -> None:
        """Close the kept connections. The transport can be used again."""
        self._transport.close()


class ThreadedStream:
    """An open response. Each read waits in a thread."""

    def __init__(self, stream: BlockingStream, head: Head) -> None:
        self.head = head
        self._stream = stream

    async def read(self, timeout: float) -> bytes:
        """Return the next piece, as `BlockingStream.read` does, with the same errors."""
        return await shared.run(lambda: self._stream.read(timeout))

    def close(self) -> None:
        """Close the connection. A read that waits in its thread ends immediately."""
        self._stream.close()
