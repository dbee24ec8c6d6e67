"""Equal calls to the platform at the same time share one request. Tokens have `_tokens.refresh`."""

from __future__ import annotations

from _thread import get_ident
from concurrent.futures import Future

from vendo._protocol.moments import elapsed
from vendo._protocol.steps import Spawn, Wait
from vendo._transports.fork import notice, on_fork
from vendo.errors import UpstreamTimeout, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Hashable
    from typing import TypeVar

    from vendo._protocol.steps import Flow

    _T = TypeVar("_T")


class _Shared:
    """One call in flight. Done without a result and without an error, it was abandoned."""

    __slots__ = ("done", "error", "loop", "result", "thread")

    def __init__(self) -> None:
        self.done: Future[None] = Future()
        self.result: list[object] = []
        self.error: VendoError | None = None
        #: The event loop of the task that makes the call; None for a thread.
        self.loop: AbstractEventLoop | None = None
        #: The thread that began it.
        self.thread = get_ident()


class SharedCalls:
    """Joins equal calls that overlap in time. Nothing is kept after a call has ended.

    It has no lock, which a signal handler might find held. At worst, a call is made twice.
    """

    def __init__(self) -> None:
        self._after_fork()
        on_fork(self, SharedCalls._after_fork)

    def _after_fork(self) -> None:
        self._in_flight: dict[Hashable, _Shared] = {}

    def join(self, key: Hashable, make: Callable[[], Flow[_T]], timeout: float) -> Flow[_T]:
        """Return the result of the call with this key that is in flight, or of a new one.

        Every caller gets the same object.

        Raises:
            VendoError: the error of the call, or a time-out after `timeout` seconds.
        """
        notice()
        deadline = elapsed() + timeout
        lost: _Shared | None = None
        while True:
            mine = _Shared()
            shared = self._in_flight.setdefault(key, mine)
            if shared is lost:
                shared = self._in_flight[key] = mine
            if shared is mine:
                yield Spawn(self._lead(key, shared, make()), [shared])
            left = deadline - elapsed()
            if (yield Wait(shared.done, max(left, 0.0), shared)) is False:
                raise UpstreamTimeout(
                    "upstream_error",
                    "The response did not arrive within the time-out.",
                    suggested_fix="Try again, or pass the client a longer timeout= (seconds).",
                )
            if shared.error is not None:
                raise shared.error.replace() from None
            if shared.result:
                result: _T = shared.result[0]  # type: ignore[assignment]  # equal keys, equal types
                return result
            lost = shared

    def _lead(self, key: Hashable, shared: _Shared, flow: Flow[_T]) -> Flow[None]:
        try:
            shared.result.append((yield from flow))
        except VendoError as error:
            shared.error = error
        finally:
            if self._in_flight.get(key) is shared:
                self._in_flight.pop(key, None)
            shared.done.set_result(None)
