"""Where replay protection keeps what it needs: a process's memory, or a cache of the framework."""

from __future__ import annotations

from threading import RLock
from typing import Any, Protocol

from vendo._protocol.moments import elapsed
from vendo._transports.fork import notice, on_fork
from vendo.errors import invalid


class ReplayStore(Protocol):
    """Keep short texts under keys for a while: for one process, or for all that share the store.

    `ReplayCache`, `SharedReplayCache` and `RedisReplayCache` are such stores. One of your own has
    these four methods.

    Example:
        ```python
        from vendo.web import ReplayCache, ReplayStore

        store: ReplayStore = ReplayCache()
        print(store.add("evt_1", "a", 60), store.add("evt_1", "b", 60))  # a a
        ```
    """

    def add(self, key: str, value: str, seconds: int) -> str | None:
        """Keep a value unless the key has one. It must be atomic.

        Args:
            key: the key.
            value: the value.
            seconds: how long it is kept.

        Returns:
            The key's value, given or found; None if nothing was kept.

        Raises:
            Exception: the store cannot be used. Callers log it, and handle the event.

        Example:
            ```python
            from vendo.web import ReplayCache

            store = ReplayCache()
            print(store.add("evt_1", "a", 60), store.add("evt_1", "b", 60))  # a a
            ```
        """

    def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a value, in place of any other.

        Args:
            key: the key.
            value: the value.
            seconds: how long it is kept.

        Raises:
            Exception: the store cannot be used. Callers log it.

        Example:
            ```python
            from vendo.web import ReplayCache

            store = ReplayCache()
            store.put("evt_1", "done", 60)
            print(store.add("evt_1", "a", 60))  # done
            ```
        """

    def renew(self, key: str, value: str, seconds: int) -> bool:
        """Keep a value for longer, if the key still has it.

        Args:
            key: the key.
            value: the value that it must have.
            seconds: how long it is kept from now on.

        Returns:
            False if the key has another value, or none.

        Raises:
            Exception: the store cannot be used. Callers log it.

        Example:
            ```python
            from vendo.web import ReplayCache

            store = ReplayCache()
            store.put("evt_1", "a", 60)
            print(store.renew("evt_1", "a", 60), store.renew("evt_1", "b", 60))  # True False
            ```
        """

    def discard(self, key: str, value: str) -> None:
        """Forget a key, if it still has this value.

        Args:
            key: the key.
            value: the value that it must have.

        Raises:
            Exception: the store cannot be used. Callers log it.

        Example:
            ```python
            from vendo.web import ReplayCache

            store = ReplayCache()
            store.put("evt_1", "a", 60)
            store.discard("evt_1", "a")
            print(store.add("evt_1", "b", 60))  # b
            ```
        """


class ReplayCache:
    """Keep what is needed for replay protection in the memory of one process.

    Its methods are those of `ReplayStore`. An application with several processes needs a store that
    they share: `SharedReplayCache`, or `RedisReplayCache`.

    Args:
        capacity: how many keys are kept at most.

    Example:
        ```python
        from vendo.web import ReplayCache, handle_once

        store = ReplayCache(capacity=1_000)
        handle_once(store, "evt_1", lambda: print("handled"))
        ```
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
    """Describe a cache that processes share, such as one of Django, Flask-Caching or cachelib.

    Example:
        ```python
        from cachelib import FileSystemCache

        from vendo.web import SharedReplayCache

        store = SharedReplayCache(FileSystemCache("cache"))
        ```
    """

    def add(self, key: str, value: Any, timeout: Any = ...) -> Any:
        """Keep a value unless the key exists.

        Args:
            key: the key.
            value: a text.
            timeout: seconds that it is kept.

        Returns:
            Whether it was kept: a true or a false value.

        Raises:
            Exception: the cache cannot be used.

        Example:
            ```python
            from cachelib import SimpleCache

            cache = SimpleCache()
            print(cache.add("evt_1", "a", timeout=60))  # True
            print(cache.add("evt_1", "b", timeout=60))  # False
            ```
        """

    def get(self, key: str) -> Any:
        """Return the value of a key.

        Args:
            key: the key.

        Returns:
            The value, or None.

        Raises:
            Exception: the cache cannot be used.

        Example:
            ```python
            from cachelib import SimpleCache

            print(SimpleCache().get("evt_1"))  # None
            ```
        """

    def set(self, key: str, value: Any, timeout: Any = ...) -> Any:
        """Keep a value, in place of any other.

        Args:
            key: the key.
            value: a text.
            timeout: seconds that it is kept.

        Returns:
            False if it was not kept; anything else counts as kept.

        Raises:
            Exception: the cache cannot be used.

        Example:
            ```python
            from cachelib import SimpleCache

            cache = SimpleCache()
            cache.set("evt_1", "done", timeout=60)
            print(cache.get("evt_1"))  # done
            ```
        """

    def delete(self, key: str) -> Any:
        """Forget a key.

        Args:
            key: the key.

        Returns:
            Anything: it is not read.

        Raises:
            Exception: the cache cannot be used.

        Example:
            ```python
            from cachelib import SimpleCache

            cache = SimpleCache()
            cache.set("evt_1", "done", timeout=60)
            cache.delete("evt_1")
            print(cache.get("evt_1"))  # None
            ```
        """


class SharedReplayCache:
    """Keep what is needed for replay protection in a cache of the framework.

    Its methods are those of `ReplayStore`.

    Args:
        cache: a cache whose `add` is atomic, such as Redis or Memcached. Those that keep files can
            hand an event to two processes.

    Raises:
        ValidationError: it is not a cache.

    Example:
        ```python
        from cachelib import SimpleCache

        from vendo.web import SharedReplayCache, handle_once

        store = SharedReplayCache(SimpleCache())
        handle_once(store, "evt_1", lambda: print("handled"))
        ```
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
