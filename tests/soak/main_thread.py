"""The main thread of a run: its calls, and signal handlers that call the library in between."""

from __future__ import annotations

import os
import signal
import time
from random import Random
from typing import TYPE_CHECKING

from soak.world import SLUGS

if TYPE_CHECKING:
    from soak.world import World
    from vendo import Vendo
    from vendo._client.streams import EventStream

#: Seconds between two signals of the timer.
_PACE = 0.05


class MainThread:
    """Makes calls until the run ends, and is interrupted by handlers that make calls too."""

    def __init__(self, world: World, root: Vendo) -> None:
        self._world = world
        self._root = root
        self._random = Random(f"{world.seed} main thread")
        #: Of its own, since a handler may interrupt a draw.
        self._random_of_handler = Random(f"{world.seed} signals")
        self._stream: EventStream | None = None
        self._is_handling = False

    def run(self, seconds: float) -> None:
        """Run so many seconds, in the main thread."""
        end = time.monotonic() + seconds
        signals = (signal.SIGALRM, signal.SIGUSR2)
        handlers = {number: signal.signal(number, self._handle) for number in signals}
        signal.setitimer(signal.ITIMER_REAL, _PACE, _PACE)
        try:
            while time.monotonic() < end:
                with self._world.attempt("main thread"):
                    self._call()
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _call(self) -> None:
        slug = self._random.choice(SLUGS)
        if self._random.random() < 0.1:
            with self._root.events.subscribe(max_backoff_sec=0.2) as self._stream:
                for _ in self._stream:
                    pass  # until a handler closes it
            self._stream = None
        elif self._random.random() < 0.1:
            os.kill(os.getpid(), signal.SIGUSR2)
        else:
            self._root.invalidate(slug)
            self._world.check_token(self._root.token(slug), slug, None)

    def _handle(self, _number: int, _frame: object) -> None:
        if self._is_handling:
            return
        self._is_handling = True
        slug = self._random_of_handler.choice(SLUGS)
        kind = self._random_of_handler.random()
        with self._world.attempt("signal"):
            if kind < 0.3 and self._stream is not None:
                self._stream.close()
            elif kind < 0.6:
                self._root.invalidate(slug)
            else:
                self._world.check_token(self._root.token(slug), slug, None)
        self._is_handling = False
