"""Which webhooks an application has handled already: the platform may deliver one twice."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, Protocol

from flask import Flask

from vendo.web import WEBHOOK_WINDOW_SECONDS, SeenIds


class Cache(Protocol):
    """What keeps the ids for all processes: a cache of Flask-Caching's, or of cachelib's."""

    def add(self, key: str, value: Any, timeout: Any = ...) -> Any:
        """Keep a value for `timeout` seconds, unless there is one: true where there was not."""

    def delete(self, key: str) -> Any:
        """Forget it."""


#: Where an application keeps them.
_SEEN = "vendo_seen"


class CachedIds:
    """`SeenIds` of several processes, in a cache that they share."""

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def claim(self, event_id: str) -> bool:
        """True for whoever comes first with an id; they handle the event."""
        return bool(self._cache.add(_key(event_id), 1, timeout=int(WEBHOOK_WINDOW_SECONDS)))

    def release(self, event_id: str) -> None:
        """Handling the event failed: the next delivery of it is to be handled."""
        self._cache.delete(_key(event_id))


def keep_seen_events(app: Flask, cache: Cache | None) -> None:
    """Decide where the application keeps what it has seen: in a cache, or in its own memory."""
    app.extensions[_SEEN] = SeenIds() if cache is None else CachedIds(cache)


def seen_events(app: Flask) -> SeenIds | CachedIds:
    """What the application has seen."""
    seen: SeenIds | CachedIds = app.extensions[_SEEN]
    return seen


def _key(event_id: str) -> str:
    return f"vendo.webhook.{sha256(event_id.encode('utf-8', 'replace')).hexdigest()}"
