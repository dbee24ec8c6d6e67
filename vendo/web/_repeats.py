"""Webhooks come at least once: the second delivery of one is known again."""

from __future__ import annotations

import time
from threading import Lock

from vendo._transports.fork import on_fork

#: A delivery can be verified for 300 s either way; a repeated one is recognised that long.
WEBHOOK_WINDOW_SECONDS = 600.0


class SeenIds:
    """The webhooks that this process has seen lately, so that a repeated delivery is dropped.

    Where an application runs in several processes, its adapter takes a shared cache in its place.
    """

    def __init__(self, seconds: float = WEBHOOK_WINDOW_SECONDS, *, capacity: int = 100_000) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._until: dict[str, float] = {}
        self._renew_lock()
        on_fork(self, SeenIds._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = Lock()

    def claim(self, event_id: str) -> bool:
        """True for whoever comes first with an id; they handle the event."""
        now = time.monotonic()
        with self._lock:
            if self._until.get(event_id, 0.0) > now:
                return False
            self._until.pop(event_id, None)
            self._until[event_id] = now + self._seconds
            # The oldest stand first, since all are kept equally long.
            while len(self._until) > self._capacity or next(iter(self._until.values())) <= now:
                del self._until[next(iter(self._until))]
            return True

    def release(self, event_id: str) -> None:
        """Handling the event failed: the next delivery of it is to be handled."""
        with self._lock:
            self._until.pop(event_id, None)
