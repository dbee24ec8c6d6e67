"""The watch of an application, which a framework starts in each process that serves it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from vendo._client import event_watch
from vendo._client.base import BaseClient
from vendo._client.interfaces import EventSource
from vendo._protocol.log import visible as logger
from vendo._protocol.moments import elapsed
from vendo._protocol.secret import masked
from vendo._tokens.cache import shared
from vendo._transports.redis_server import redis_server
from vendo.errors import UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._client.event_watch import EventWatch
    from vendo._config.settings import Scope
    from vendo._tokens.flights import CacheKey


#: Seconds until another attempt, after it could not begin.
_PAUSE = 30.0


class AppWatch:
    """Watch events in each process from its first request, or the first token that it fetches.

    A process that only forks others, such as that of `gunicorn --preload`, keeps no stream. In OSS
    mode there are no events, and nothing is watched.

    Args:
        client: returns the application's client.
        redis_url: its Redis, or None.
        source: where the URL was set, for errors: an option or a variable.

    Raises:
        MissingExtra: the package `redis` is not installed.
        ValidationError: the URL is malformed.

    Example:
        ```python
        import vendo
        from vendo.web import AppWatch

        client = vendo.Vendo()
        watch = AppWatch(lambda: client, None, "REDIS_URL")
        watch.begin()  # as the first request of the process does
        watch.stop()
        ```
    """

    def __init__(
        self, client: Callable[[], EventSource], redis_url: str | None, source: str
    ) -> None:
        redis_url = masked(redis_url)  # a traceback shows the frame
        self._client = client
        self._server = None if redis_url is None else redis_server(redis_url, source)
        self._watch: EventWatch | None = None
        self._scope: Scope | None = None
        #: What has begun, by process and key.
        self._begun: dict[tuple[int, tuple[str, str]], object] = {}
        #: The process that has got a request.
        self._serving: int | None = None
        #: This process, which may only start others; None after its first fork.
        self._maker: int | None = os.getpid()
        #: It could not begin, and tries again with a token after that.
        self._retry_at = 0.0
        _watches[id(self)] = self
        shared.on_claim = _begin_of

    def __repr__(self) -> str:
        return f"<AppWatch, {self.mode}>"

    @property
    def mode(self) -> str:
        """The source of events: as for `EventWatch.mode`; `stopped` also before it has begun."""
        return "stopped" if self._watch is None else self._watch.mode

    def check(self) -> None:
        """Check that the Redis can be used, for two seconds at most.

        If it is away, that is not an error: the watch logs it, and tries again.

        Raises:
            ValidationError: it does not accept the password, or is too old.

        Example:
            ```python
            import vendo
            from vendo.web import AppWatch

            AppWatch(vendo.Vendo, None, "REDIS_URL").check()  # no Redis: there is nothing to check
            ```
        """
        client = self._client()
        if _scope_of(client) is not None:
            with suppress(UpstreamError):
                event_watch.check(client, self._server)

    def begin(self) -> None:
        """Watch in this process, which serves a request.

        It waits for nothing. A failure is logged.

        Example:
            ```python
            import vendo
            from vendo.web import AppWatch

            client = vendo.Vendo()
            watch = AppWatch(lambda: client, None, "REDIS_URL")
            watch.begin()
            watch.begin()  # with each request: it begins once
            watch.stop()
            ```
        """
        if self._serving != os.getpid():
            self._serving = os.getpid()
            self._begin(None)

    def _begin(self, wanted: tuple[str, str] | None) -> None:
        """Begin if the client has this scope, or any with None."""
        process, mine = os.getpid(), object()
        has_ended = self._watch is not None and not self._watch.is_running
        has_begun = wanted is not None and (process, wanted) in self._begun
        if (has_begun and not has_ended) or elapsed() < self._retry_at:
            return
        try:
            client = self._client()
            scope = _scope_of(client)
            if scope is None or wanted not in {None, scope}:
                return
            if has_ended:  # its key was rejected, and may be accepted now, or replaced
                self._retry_at = elapsed() + _PAUSE
                self._begun.pop((process, scope), None)
            if self._begun.setdefault((process, scope), mine) is not mine:
                return
            if self._watch is None or has_ended or self._scope != scope:  # else the parent began
                former, self._watch = self._watch, event_watch.begin(client, self._server)
                self._begun, self._scope = {(process, scope): mine}, scope
                if former is not None:
                    former._stop(0.0)
        except Exception as error:  # noqa: BLE001  # whatever a framework raises for its settings
            self._retry_at = elapsed() + _PAUSE
            logger.error("Events are not watched: %s", error)

    def _before_fork(self) -> None:
        """Stop at the first fork of a process that serves nothing.

        It may only start others, which begin by themselves. If not, it begins again.
        """
        watch = self._watch
        if watch is not None and self._serving is None and self._maker == os.getpid():
            self._maker = self._watch = None
            self._begun.clear()
            watch.stop()

    def stop(self) -> None:
        """Stop watching, in this process.

        Example:
            ```python
            import vendo
            from vendo.web import AppWatch

            watch = AppWatch(vendo.Vendo, None, "REDIS_URL")
            watch.stop()
            print(watch.mode)  # stopped
            ```
        """
        _watches.pop(id(self), None)
        watch, self._watch = self._watch, None
        if watch is not None:
            watch.stop()

    def __del__(self, is_ending: Callable[[], bool] = sys.is_finalizing) -> None:
        # Nothing else stops it where an application is dropped, as by a test.
        watch: EventWatch | None = getattr(self, "_watch", None)
        if watch is not None and not is_ending():  # the module's own names may be gone then
            watch._stop(0.0)


_watches: WeakValueDictionary[int, AppWatch] = WeakValueDictionary()


def _all() -> list[AppWatch]:
    references = _watches.valuerefs()  # in one step: other threads may add one
    return [watch for reference in references if (watch := reference()) is not None]


def _before_fork() -> None:
    for watch in _all():
        watch._before_fork()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(before=_before_fork)


def _begin_of(key: CacheKey) -> None:
    for watch in _all():
        watch._begin(key[:2])


def _scope_of(client: EventSource) -> Scope | None:
    """Return what is watched; None in OSS mode, and for a mock, which have no events."""
    kind: type[Any] = type(client)  # that of a mock of `unittest` is no client's
    has_backend = issubclass(kind, BaseClient) and kind._has_backend
    return client._settings.scope() if has_backend else None
