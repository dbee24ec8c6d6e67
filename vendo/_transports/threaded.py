"""The blocking transport in threads of its own, for asyncio on the standard library.

The loop's default executor has few threads and belongs to the application. These end when they
have been idle for a while, and never keep the interpreter from ending.
"""

from __future__ import annotations

import asyncio
from queue import Empty, SimpleQueue
from threading import Lock, Thread

from vendo._transports.blocking import BlockingTransport
from vendo._transports.blocking_stream import BlockingStream
from vendo._transports.fork import on_fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    from vendo._protocol.steps import Request, Response

    _T = TypeVar("_T")

MAX_THREADS = 64
IDLE_SECONDS = 10.0


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
        #: Calls that were handed in and have not ended.
        self._pending = 0

    async def run(
        self, call: Callable[[], _T], unwanted: Callable[[_T], object] | None = None
    ) -> _T:
        """What `call()` returns or raises, called in one of the threads.

        A caller that is cancelled no longer waits; the call itself runs to its end, and what it
        returns is handed to `unwanted`.
        """
        job = _Job(call, unwanted)
        with self._lock:
            self._jobs.put(job)
            self._pending += 1
            is_short = self._threads < min(self._pending, self._most)
            if is_short:
                self._threads += 1
        if is_short:
            Thread(target=self._work, args=(self._jobs,), daemon=True, name="vendo").start()
        try:
            result: _T = await job.future
        except asyncio.CancelledError:
            job.give_up()
            raise
        return result

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
            job.do()
            del job  # it holds its result, and the next one may be long in coming
            with self._lock:
                self._pending -= 1


class _Job:
    """A call that a thread makes for a task, and the way of its outcome back to the task's loop."""

    __slots__ = ("_call", "_loop", "_unwanted", "future")

    def __init__(self, call: Callable[[], Any], unwanted: Callable[[Any], object] | None) -> None:
        self._call = call
        self._unwanted = unwanted
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Any] = self._loop.create_future()

    def do(self) -> None:
        result: object = None
        failure: BaseException | None = None
        try:
            result = self._call()
        except BaseException as error:  # noqa: BLE001  # it is handed on, whatever it is
            failure = error
        try:
            self._loop.call_soon_threadsafe(self._settle, result, failure)
        except RuntimeError:  # the loop was closed meanwhile
            self._drop(result, failure)

    def give_up(self) -> None:
        """The waiter was cancelled, maybe between the outcome's coming and its own next step."""
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


class ThreadedTransport:
    """Sends requests over kept connections, each in a thread, for asyncio code.

    One serves every event loop of the process, one after the other or at the same time.
    """

    name = "threads"

    def __init__(self, transport: BlockingTransport | None = None) -> None:
        self._transport = BlockingTransport() if transport is None else transport
        self._threads = Threads()

    def __repr__(self) -> str:
        return "<ThreadedTransport>"

    async def send(self, request: Request) -> Response:
        """The answer to a request, whole. Errors as for `BlockingTransport.send`."""
        return await self._threads.run(lambda: self._transport.send(request))

    async def open(self, request: Request) -> ThreadedStream:
        """The open answer to a request, to be read piece by piece; see `BlockingStream`."""
        stream = await self._threads.run(
            lambda: BlockingStream(self._transport, request),
            BlockingStream.close,  # it may come about when nobody waits for it any more
        )
        return ThreadedStream(stream, self._threads)

    async def aclose(self) -> None:
        """Close the kept connections. The transport can be used again afterwards."""
        self._transport.close()


class ThreadedStream:
    """An open answer whose reads wait in a thread."""

    def __init__(self, stream: BlockingStream, threads: Threads) -> None:
        self.head = stream.head
        self._stream = stream
        self._threads = threads

    async def read(self, timeout: float) -> bytes:
        """What has come, at least a byte; empty at the end. Errors as for `BlockingStream.read`."""
        return await self._threads.run(lambda: self._stream.read(timeout))

    def close(self) -> None:
        """Close the connection. A read that waits in its thread ends at once."""
        self._stream.close()
