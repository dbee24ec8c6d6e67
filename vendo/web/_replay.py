"""Replay protection: the platform may deliver a webhook more than once, and it is handled once.

The first delivery claims the event's id. If handling it fails, the claim is released, and the next
delivery is handled.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from threading import RLock
from typing import Any, Protocol

from vendo._protocol.moments import elapsed
from vendo._transports.fork import notice, on_fork

#: Seconds that an id is kept. A delivery is valid for 300 s either way.
WEBHOOK_WINDOW_SECONDS = 600.0


class Claims(Protocol):
    """What replay protection needs: `ReplayCache`, `SharedReplayCache`, or one of your own."""

    def claim(self, event_id: str) -> bool:
        """Return True for the first call with an id."""

    def release(self, event_id: str) -> object:
        """Forget an id: handling its event failed."""


class ReplayCache:
    """Event ids in the memory of one process.

    An application with several processes needs a cache that they share: see `SharedReplayCache`.

    Args:
        seconds: how long an id is kept.
        capacity: how many ids are kept at most.
    """

    def __init__(self, seconds: float = WEBHOOK_WINDOW_SECONDS, *, capacity: int = 100_000) -> None:
        self._seconds = seconds
        self._capacity = capacity
        self._until: dict[str, float] = {}
        self._renew_lock()
        on_fork(self, ReplayCache._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = RLock()  # a signal handler may enter it again

    def claim(self, event_id: str) -> bool:
        """Return True for the first call with an id. That caller handles the event."""
        notice()
        now = elapsed()
        with self._lock:
            if self._until.get(event_id, 0.0) > now:
                return False
            self._until.pop(event_id, None)
            self._until[event_id] = now + self._seconds
            # The oldest come first, since all are kept equally long.
            while len(self._until) > self._capacity or next(iter(self._until.values())) <= now:
                del self._until[next(iter(self._until))]
            return True

    def release(self, event_id: str) -> None:
        """Forget an id: handling its event failed, so the next delivery is handled."""
        notice()
        with self._lock:
            self._until.pop(event_id, None)


class SharedCache(Protocol):
    """A cache that processes share, such as one of Django, Flask-Caching or cachelib."""

    def add(self, key: str, value: Any, timeout: Any = ...) -> Any:
        """Keep a value for `timeout` seconds unless the key exists; return whether it was kept."""

    def delete(self, key: str) -> Any:
        """Forget a key."""


class SharedReplayCache:
    """Event ids in a cache that all processes of an application share."""

    def __init__(self, cache: SharedCache) -> None:
        self._cache = cache

    def claim(self, event_id: str) -> bool:
        """Return True for the first call with an id. That caller handles the event."""
        return bool(self._cache.add(_key(event_id), 1, timeout=int(WEBHOOK_WINDOW_SECONDS)))

    def release(self, event_id: str) -> None:
        """Forget an id: handling its event failed, so the next delivery is handled."""
        self._cache.delete(_key(event_id))


def handle_once(claims: Claims, event_id: str, handle: Callable[[], object]) -> None:
    """Call `handle` unless this event was handled before. What it raises releases the claim."""
    if not claims.claim(event_id):
        return
    try:
        handle()
    except BaseException:
        claims.release(event_id)
        raise


def _key(event_id: str) -> str:
    # Caches limit the length and the characters of keys.
    return f"vendo.webhook.{sha256(event_id.encode('utf-8', 'replace')).hexdigest()}"
