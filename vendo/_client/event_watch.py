"""A background thread that drops cached tokens when their connection changes."""

from __future__ import annotations

import os
from threading import RLock, Thread
from types import TracebackType
from typing import Self

from vendo._client.change_source import ChangeSource
from vendo._client.interfaces import EventSource
from vendo._client.redis_bus import RedisBus
from vendo._client.watched_tokens import WatchedTokens
from vendo._config import environment
from vendo._protocol.log import visible as logger
from vendo._tokens.cache import shared
from vendo._transports.errors import no_thread
from vendo._transports.fork import notice, on_raw_fork
from vendo._transports.redis_server import redis_server
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.settings import Scope
    from vendo._tokens.flights import CacheKey
    from vendo._transports.redis_server import RedisServer

#: Seconds.
_STOP_TIMEOUT = 1.0


class EventWatch:
    """Stop a running watch: what `events.watch()` returns. A `with` block stops it too.

    Example:
        ```python
        import vendo

        with vendo.events.watch() as watch:
            assert watch.is_running
            print(len(vendo.token("openai")))
        ```
    """

    def __init__(self, watcher: _Watcher) -> None:
        self._watcher: _Watcher | None = watcher

    def __repr__(self) -> str:
        return f"<EventWatch, {'running' if self.is_running else 'stopped'}>"

    @property
    def mode(self) -> str:
        """How changes are noticed: `stream`, `redis` or `polling`; `stopped` where it has ended."""
        notice()
        return "stopped" if self._watcher is None else self._watcher.mode

    @property
    def is_running(self) -> bool:
        """False after `stop()`, or after the backend rejected the stream (see the log)."""
        notice()
        return self._watcher is not None and self._watcher.is_running

    def stop(self) -> None:
        """Stop the watch. The last one of the process closes the stream.

        Example:
            ```python
            import vendo

            watch = vendo.events.watch()
            watch.stop()
            print(watch.mode)
            ```
        """
        self._stop(_STOP_TIMEOUT)

    def _stop(self, timeout: float) -> None:
        notice()
        # With a limit: the garbage collector may call it in a thread for which `begin` waits.
        if _lock.acquire(timeout=_STOP_TIMEOUT):
            try:
                watcher, self._watcher = self._watcher, None
            finally:
                _lock.release()
            if watcher is not None:
                watcher.leave(timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


class _Watcher:
    """The thread of one app, shared by its watches.

    A forked child has a thread of its own, from its first fetch or look on.
    """

    def __init__(self, client: EventSource, scope: Scope, server: RedisServer | None) -> None:
        self._client = client
        self._scope = scope
        self._server = server
        self._watches = 0
        self._tokens = WatchedTokens(client)
        self._work = self._make_work()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def mode(self) -> str:
        return self._work.mode if self.is_running else "stopped"

    def _make_work(self) -> ChangeSource | RedisBus:
        if self._server is None:
            return ChangeSource(self._client, self._tokens, "")  # there may be tokens already
        return RedisBus(self._client, self._scope, self._tokens, self._server)

    def start(self) -> None:
        """Start the thread.

        Raises:
            UpstreamConnectionError: the system has no more threads.
        """
        self._process = os.getpid()
        self._thread = Thread(target=self._watch, daemon=True, name="vendo-events")
        try:
            self._thread.start()
        except BaseException as error:  # a signal's too: the thread may run, and nothing has it
            self._work.close()
            if isinstance(error, RuntimeError):  # the system has no more
                raise no_thread() from None
            raise

    def start_again(self) -> None:
        """Start again in a forked child, if the thread and the connection are the parent's."""
        if self._watches and self._process != os.getpid():
            self._work = self._make_work()
            try:
                self.start()
            except VendoError as error:
                logger.error("Watching events has stopped: %s", error)

    def join(self) -> None:
        self._watches += 1

    def leave(self, timeout: float) -> None:
        """Take one watch away. After the last one, wait for the thread for so many seconds."""
        with _lock:
            self._watches -= 1
            if self._watches:
                return
            for key, watcher in list(_watchers.items()):
                if watcher is self:
                    del _watchers[key]
        self._work.close()
        if timeout:  # else it may be this thread
            self._thread.join(timeout)  # if it is connecting, it ends after that

    def rejected(self, key: CacheKey) -> None:
        """Tell the other processes that a token was rejected."""
        if isinstance(self._work, RedisBus) and key in self._tokens:
            self._work.rejected(key)

    def _watch(self) -> None:
        try:
            self._work.run()
        except VendoError as error:
            # Without the traceback, which would show only frames of this library.
            logger.error("Watching events has stopped: %s", error)


_lock = RLock()  # a signal handler may enter it again
_watchers: dict[tuple[Scope, RedisServer | None], _Watcher] = {}


def watch(client: EventSource, redis_url: str | None = None) -> EventWatch:
    """Watch the events of a client's deployment; see `EventsAPI.watch`."""
    client._settings.required_key("events.watch")
    server = server_of(redis_url, "redis_url=")
    check(client, server)
    return begin(client, server)


def begin(client: EventSource, server: RedisServer | None) -> EventWatch:
    """Watch with a Redis or without. It waits for nothing."""
    notice()
    scope = _scope_of(client)
    with _lock:
        watcher = _watchers.get((scope, server))
        if watcher is None or not watcher.is_running:
            watcher = _Watcher(client._root, scope, server)
            watcher.start()
            _watchers[scope, server] = watcher
        watcher.join()
        return EventWatch(watcher)


def check(client: EventSource, server: RedisServer | None) -> None:
    """Check that a Redis can be used; see `RedisBus.check`. Without one, do nothing."""
    if server is not None:
        scope = _scope_of(client)
        RedisBus(client._root, scope, WatchedTokens(client._root), server).check()


def _scope_of(client: EventSource) -> Scope:
    scope = client._settings.scope()
    if scope is None:
        raise AssertionError("a key has a scope")
    return scope


def server_of(redis_url: str | None, source: str) -> RedisServer | None:
    """Return the Redis of a URL, else that of `VENDO_REDIS_URL`, or None.

    Raises:
        MissingExtra: the package `redis` is not installed.
        ValidationError: the URL is malformed.
    """
    if redis_url is not None:
        return redis_server(redis_url, source)
    url = environment.REDIS_URL.secret()
    return None if url is None else redis_server(url, environment.REDIS_URL.source().name)


def _tell_of_rejection(key: CacheKey) -> None:
    for watcher in list(_watchers.values()):
        watcher.rejected(key)


shared.on_replace = _tell_of_rejection


def _after_fork() -> None:
    global _lock
    _lock = RLock()
    for watcher in list(_watchers.values()):
        watcher.start_again()


on_raw_fork(_after_fork)
# Not `on_fork`: its hook may run before that of `threading`, which would then take the new thread
# for one of the parent's.
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)
