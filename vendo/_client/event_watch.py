"""A background thread that keeps the token cache true to the platform's events."""

from __future__ import annotations

import os
from threading import Lock, Thread
from types import TracebackType
from typing import Self

from vendo._client.base import BaseClient
from vendo._client.events import EventStream
from vendo._protocol.log import logger
from vendo._tokens.cache import shared
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.settings import Scope

_MAX_BACKOFF = 30.0
#: Seconds.
_LONGEST_GOODBYE = 1.0


class EventWatch:
    """One who watches. `stop()` it, or use it as a context manager."""

    def __init__(self, watcher: _Watcher) -> None:
        self._watcher: _Watcher | None = watcher

    def __repr__(self) -> str:
        return f"<EventWatch, {'running' if self.is_running else 'stopped'}>"

    @property
    def is_running(self) -> bool:
        """False once it was stopped, or the backend refused the stream for good (see the log)."""
        return self._watcher is not None and self._watcher.is_running

    def stop(self) -> None:
        """Stop watching. The stream is closed when the last one who watches has stopped."""
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
    """The stream and the thread of one scope, shared by those who watch it."""

    def __init__(self, client: BaseClient, scope: Scope) -> None:
        self._client = client
        self._scope = scope
        self._guests = 0
        self._start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def _start(self) -> None:
        self._stream = EventStream(self._client, _MAX_BACKOFF)
        self._thread = Thread(target=self._watch, daemon=True, name="vendo-events")
        self._thread.start()

    def start_again(self) -> None:
        """In a forked child."""
        # The parent's thread is not here, and its connection is not ours to use.
        if self._guests:
            self._start()

    def join(self) -> None:
        self._guests += 1

    def leave(self) -> None:
        with _lock:
            self._guests -= 1
            if self._guests:
                return
            if _watchers.get(self._scope) is self:
                del _watchers[self._scope]
        self._stream.close()
        # A connection that is being made is not interrupted; the thread ends by itself then.
        self._thread.join(_LONGEST_GOODBYE)

    def _watch(self) -> None:
        try:
            for event in self._stream:
                if event.slug is not None and event.kind.startswith("connection."):
                    self._forget(event.slug)
        except VendoError as error:
            # Its text alone: in a traceback there would be nothing but frames of ours.
            logger.error("Watching the events has ended: %s", error)

    def _forget(self, slug: str) -> None:
        shared.invalidate(lambda key: key[:2] == self._scope and key[3] == slug)


_lock = Lock()
_watchers: dict[Scope, _Watcher] = {}


def watch(client: BaseClient) -> EventWatch:
    """Watch the events of a client's deployment; see `EventsAPI.watch`."""
    settings = client._settings
    settings.needed_key("events.watch")
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
    _lock = Lock()
    for watcher in _watchers.values():
        watcher.start_again()


# Not `on_fork`, whose hook may be older than that of `threading`, which takes every thread that it
# finds in a child for one of the parent's.
if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_after_fork)
