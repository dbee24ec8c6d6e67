"""Lets calls through, or holds them back for a moment in which every connection is idle."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from vendo._transports import async_driver

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

_PACE = 0.002


class Gate:
    """Passed by each call of the clients of one server, by threads or by tasks."""

    def __init__(self) -> None:
        #: Of the tasks.
        self.loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()
        self._is_closed = False
        self._inside = 0

    @contextmanager
    def passed(self) -> Iterator[None]:
        while not self._enter():
            time.sleep(_PACE)
        try:
            yield
        finally:
            self._leave()

    @asynccontextmanager
    async def passed_by_task(self) -> AsyncIterator[None]:
        while not self._enter():  # noqa: ASYNC110  # a thread opens it
            await asyncio.sleep(_PACE)
        try:
            yield
        finally:
            self._leave()

    def close(self, patience: float) -> bool:
        """Hold new calls back, and wait for those under way. False if they take too long."""
        self._is_closed = True
        deadline = time.monotonic() + patience
        # A fetch whose caller has given up goes on as a task.
        while self._inside or (self.loop is not None and async_driver._spawned.get(self.loop)):
            if time.monotonic() > deadline:
                return False
            time.sleep(_PACE)
        return True

    def open(self) -> None:
        self._is_closed = False

    def _enter(self) -> bool:
        with self._lock:
            if self._is_closed:
                return False
            self._inside += 1
            return True

    def _leave(self) -> None:
        with self._lock:
            self._inside -= 1
