"""Where replay protection keeps what it needs: a process's memory, or a cache of the framework."""

from __future__ import annotations

from threading import RLock
from typing import Any, Protocol

from vendo._protocol.moments import elapsed
from vendo._transports.fork import notice, on_fork
from vendo.errors import invalid


class ReplayStore(Protocol):
    """What keeps short texts under keys for a while: for one process, or for all that share it."""

    def add(self, key: str, value: str, seconds: int) -> str | None:
        """Keep a value unless the key has one. Return the key's value; None if it was not kept."""

    def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a value, in place of any other."""

    def renew(self, key: str, value: str, seconds: int) -> bool:
        """Keep a value for longer, if the key still has it."""

    def discard(self, key: str, value: str) -> None:
        """Forget a key, if it still has this value."""


class ReplayCache:
    """Keeps what is needed for replay protection in the memory of one process.

    An application with several processes needs a store that they share: `SharedReplayCache`, or
    `RedisReplayCache`.

    Args:
        capacity: how many keys are kept at most.
    """

    def __init__(self, *, capacity: int = 100_000) -> None:
        self._capacity = capacity
        #: key -> (value, its end as a reading of `elapsed`)
        self._kept: dict[str, tuple[str, float]] = {}
        self._renew_lock()
        on_fork(self, ReplayCache._renew_lock)

    def _renew_lock(self) -> None:
        self._lock = RLock()  # a signal handler may enter it again

    def add(self, key: str, value: str, seconds: int) -> str:
        """Keep a value unless the key has one. Return the key's value."""
        notice()
        with self._lock:
            now = elapsed()
            kept, until = self._kept.get(key, ("", now))
            if until > now:
                return kept
            self._put(key, value, now + seconds)
            if len(self._kept) > self._capacity:
                self._make_room(now)
            return value

    def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a value, in place of any other."""
        notice()
        with self._lock:
            self._put(key, value, elapsed() + seconds)

    def renew(self, key: str, value: str, seconds: int) -> bool:
        """Keep a value for longer, if the key still has it."""
        notice()
        with self._lock:
            if self._kept.get(key, ("", 0.0))[0] != value:
                return False
            self._put(key, value, elapsed() + seconds)
            return True

    def discard(self, key: str, value: str) -> None:
        """Forget a key, if it still has this value."""
        notice()
        with self._lock:
            if self._kept.get(key, ("", 0.0))[0] == value:
                del self._kept[key]

    def _put(self, key: str, value: str, until: float) -> None:
        self._kept.pop(key, None)  # the newest comes last
        self._kept[key] = (value, until)

    def _make_room(self, now: float) -> None:
        # An eighth at least, so that a full cache is not searched at each event.
        kept = [(key, entry) for key, entry in self._kept.items() if entry[1] > now]
        self._kept = dict(kept[-(self._capacity - self._capacity // 8) :])


class SharedCache(Protocol):
    """A cache that processes share, such as one of Django, Flask-Caching or cachelib."""

    def add(self, key: str, value: Any, timeout: Any = ...) -> Any:
        """Keep a value for `timeout` seconds unless the key exists; return whether it was kept."""

    def get(self, key: str) -> Any:
        """Return the value of a key, or None."""

    def set(self, key: str, value: Any, timeout: Any = ...) -> Any:
        """Keep a value for `timeout` seconds."""

    def delete(self, key: str) -> Any:
        """Forget a key."""


class SharedReplayCache:
    """Keeps what is needed for replay protection in a cache of the framework.

    Args:
        cache: a cache whose `add` is atomic, such as Redis or Memcached. Those that keep files can
            hand an event to two processes.

    Raises:
        ValidationError: it is not a cache.
    """

    def __init__(self, cache: SharedCache) -> None:
        missing = [name for name in ("add", "get", "set", "delete") if not hasattr(cache, name)]
        if missing:
            raise invalid(
                f"An object of type {type(cache).__name__} is not a cache: it has no "
                f"{', '.join(missing)}.",
                fix="Pass a cache of Django, Flask-Caching or cachelib.",
            )
        self.cache: SharedCache = cache

    def add(self, key: str, value: str, seconds: int) -> str | None:
        """Keep a value unless the key has one. Return the key's value; None if it was not kept."""
        for _ in range(2):
            if self.cache.add(key, value, timeout=seconds):
                return value
            kept: str | None = self.cache.get(key)
            if kept is not None:
                return kept
            # It has just ended, or the cache is away.
        return None

    def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a value, in place of any other."""
        if self.cache.set(key, value, timeout=seconds) is False:
            raise OSError("The cache did not keep a value.")

    def renew(self, key: str, value: str, seconds: int) -> bool:
        """Keep a value for longer, if the key still has it."""
        if self.cache.get(key) != value:
            return False
        self.cache.set(key, value, timeout=seconds)
        return True

    def discard(self, key: str, value: str) -> None:
        """Forget a key, if it still has this value."""
        if self.cache.get(key) == value:
            self.cache.delete(key)
