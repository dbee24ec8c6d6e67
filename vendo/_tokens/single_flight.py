"""Callers that want the same answer at the same time share one request for it."""

from __future__ import annotations

import time
from _thread import allocate_lock
from concurrent.futures import Future

from vendo._protocol.steps import Spawn, Wait
from vendo._transports.fork import on_fork
from vendo.errors import UpstreamTimeout, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Hashable
    from typing import TypeVar

    from vendo._protocol.steps import Flow

    _T = TypeVar("_T")


class _Shared:
    """One call under way. Without an answer and without an error it was given up."""

    __slots__ = ("answer", "done", "error", "loop")

    def __init__(self) -> None:
        self.done: Future[None] = Future()
        self.answer: list[object] = []
        self.error: VendoError | None = None
        #: The event loop whose task makes the call; None for a thread.
        self.loop: AbstractEventLoop | None = None


class SharedCalls:
    """Joins equal calls that overlap in time. Nothing is kept once a call has ended."""

    def __init__(self) -> None:
        self._after_fork()
        on_fork(self, SharedCalls._after_fork)

    def _after_fork(self) -> None:
        self._lock = allocate_lock()
        self._under_way: dict[Hashable, _Shared] = {}

    def join(self, key: Hashable, make: Callable[[], Flow[_T]], timeout: float) -> Flow[_T]:
        """The result of the call with this key that is under way, or of a new one.

        Every caller gets the same object.

        Raises:
            VendoError: what the call failed with, or that it took over `timeout` seconds.
        """
        deadline = time.monotonic() + timeout
        shared: _Shared | None = None
        while True:
            with self._lock:
                lost, shared = shared, self._under_way.get(key)
                lead = shared is None or shared is lost
                if shared is None or shared is lost:
                    shared = self._under_way[key] = _Shared()
            if lead:
                yield Spawn(self._lead(key, shared, make()), [shared])
            left = deadline - time.monotonic()
            if (yield Wait(shared.done, max(left, 0.0), shared)) is False:
                raise UpstreamTimeout(
                    "upstream_error",
                    "No complete answer within the time-out.",
                    suggested_fix="Try again, or give the client a longer timeout= (seconds).",
                )
            if shared.error is not None:
                raise shared.error.replace() from None
            if shared.answer:
                answer: _T = shared.answer[0]  # type: ignore[assignment]  # equal keys, equal types
                return answer

    def _lead(self, key: Hashable, shared: _Shared, flow: Flow[_T]) -> Flow[None]:
        try:
            shared.answer.append((yield from flow))
        except VendoError as error:
            shared.error = error
        finally:
            with self._lock:
                if self._under_way.get(key) is shared:
                    del self._under_way[key]
            shared.done.set_result(None)
