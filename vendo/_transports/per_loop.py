"""One resource for each event loop, closed at the end of the loop."""

from __future__ import annotations

import asyncio
import os
from typing import Generic, TypeVar
from weakref import WeakKeyDictionary

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable
    from typing import Protocol

    class _Closable(Protocol):
        @property
        def closed(self) -> bool: ...

        async def close(self) -> None: ...


_T = TypeVar("_T", bound="_Closable")


#: What a forked child has of its parent.
_inherited: list[object] = []


class PerLoop(Generic[_T]):
    """A resource that `make()` returns, one for each event loop.

    `asyncio.run` closes the asynchronous generators of its loop. A generator that waits for this is
    the only way to learn that a loop is about to end.
    """

    def __init__(self, make: Callable[[], _T]) -> None:
        self._make = make
        self._process = os.getpid()
        self._kept: WeakKeyDictionary[
            asyncio.AbstractEventLoop, tuple[_T, AsyncGenerator[None, None]]
        ] = WeakKeyDictionary()

    async def get(self) -> _T:
        """Return the open resource of the running loop."""
        if self._process != os.getpid():
            # Not closed: the parent uses the same connections, over the same selector.
            _inherited.append(self._kept)
            self._process, self._kept = os.getpid(), WeakKeyDictionary()
        loop = asyncio.get_running_loop()
        kept = self._kept.get(loop)
        if kept is None or kept[0].closed:
            made = self._make()
            kept = self._kept[loop] = (made, _closed_at_the_end(made))
            await anext(kept[1])
        return kept[0]

    async def aclose(self) -> None:
        """Close the resource of the running loop. The next `get` makes a new one."""
        kept = self._kept.pop(asyncio.get_running_loop(), None)
        if kept is not None:
            await kept[1].aclose()


async def _closed_at_the_end(thing: _Closable) -> AsyncGenerator[None, None]:
    process = os.getpid()
    try:
        yield
    finally:
        if process == os.getpid():
            await thing.close()
