"""A background thread that drops cached tokens when their connection changes."""

from __future__ import annotations

import os
from threading import RLock, Thread
from types import TracebackType
from typing import Self

from vendo._client.interfaces import EventSource
from vendo._client.streams import EventStream
from vendo._protocol.log import logger
from vendo._tokens.cache import shared
from vendo._transports.errors import no_thread
from vendo._transports.fork import notice, on_raw_fork
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.settings import Scope

#: Seconds.
_MAX_BACKOFF = 30.0
_STOP_TIMEOUT = 1.0


class EventWatch:
    """A running watch. Stop it with `stop()`, or use it as a context manager."""

    def __init__(self, watcher: _Watcher) -> None:
        self._watcher: _Watcher | None = watcher

    def __repr__(self) -> str:
        return f"<EventWatch, {'running' if self.is_running else 'stopped'}>"

    @property
    def is_running(self) -> bool:
        """False after `stop()`, or after the backend rejected the stream (see the log)."""
        notice()
        return self._watcher is not None and self._watcher.is_running

    def stop(self) -> None:
        """Stop the watch. The last one closes the stream."""
        notice()
        watcher, self._watcher = self._watcher, None
        if watcher is not None:
            watcher.leave()

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
    """The stream and the thread of one scope, shared by its watches.

    A forked child has a stream and a thread of its own, from its first fetch or look on.
    """

    def __init__(self, client: EventSource, scope: Scope) -> None:
        self._client = client
        self._scope = scope
        self._watches = 0
        self._start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def _start(self) -> None:
        self._stream = EventStream(self._client, _MAX_BACKOFF)
        self._thread = Thread(target=self._watch, daemon=True, name="vendo-events")
        try:
            self._thread.start()
        except BaseException as error:  # a signal's too: the thread may run, and nothing has it
            self._stream.close()
            if isinstance(error, RuntimeError):  # the system has no more
                raise no_thread() from None
            raise

    def start_again(self) -> None:
        """Start again in a forked child: the thread and the connection are the parent's."""
        if self._watches:
            try:
                self._start()
            except VendoError as error:
                logger.error("Watching events has stopped: %s", error)

    def join(self) -> None:
        self._watches += 1

    def leave(self) -> None:
        with _lock:
            self._watches -= 1
            if self._watches:
                return
            if _watchers.get(self._scope) is self:
                del _watchers[self._scope]
        self._stream.close()
        # If it is connecting, the thread ends after that.
        self._thread.join(_STOP_TIMEOUT)

    def _watch(self) -> None:
        try:
            for event in self._stream:
                if event.slug is not None and event.type.startswith("connection."):
                    self._forget(event.slug)
        except VendoError as error:
            # Without the traceback, which would show only frames of this library.
            logger.error("Watching events has stopped: %s", error)

    def _forget(self, slug: str) -> None:
        shared.invalidate(lambda key: key[:2] == self._scope and key[3] == slug)


_lock = RLock()  # a signal handler may enter it again
_watchers: dict[Scope, _Watcher] = {}


def watch(client: EventSource) -> EventWatch:
    """Watch the events of a client's deployment; see `EventsAPI.watch`."""
    notice()
    settings = client._settings
    settings.required_key("events.watch")
    scope = settings.scope()
    if scope is None:
        raise AssertionError("a key has a scope")
    with _lock:
        watcher = _watchers.get(scope)
        if watcher is None or not watcher.is_running:
            watcher = _watchers[scope] = _Watcher(client._root, scope)
        watcher.join()
        return EventWatch(watcher)


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
