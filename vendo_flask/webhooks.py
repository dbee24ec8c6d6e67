"""Webhooks out of requests: the body within its limit, the signature, and replay protection."""

from __future__ import annotations

from functools import lru_cache

from flask import Flask, Request
from werkzeug.exceptions import RequestEntityTooLarge

from vendo import web
from vendo_flask import settings

#: The key of `app.extensions` with the store that needs no URL.
STORE = "vendo_replay_store"


@lru_cache(maxsize=16)
def _redis(url: str, source: str) -> web.RedisReplayCache:
    return web.RedisReplayCache(url, source=source)


def own_store(cache: web.SharedCache | None) -> web.ReplayStore:
    """Return a replay store that needs no URL: in `cache`, or in each process's memory."""
    return web.ReplayCache() if cache is None else web.SharedReplayCache(cache)


def replay_store(app: Flask) -> web.ReplayStore:
    """Return where the application remembers replays.

    Raises:
        MissingExtra, ValidationError: as for `chosen_store`.
    """
    return chosen_store(app, app.extensions[STORE])


def chosen_store(app: Flask, own: web.ReplayStore) -> web.ReplayStore:
    """Return the store in Redis, or `own` without one.

    Raises:
        MissingExtra: there is a URL of a Redis, and the package `redis` is not installed.
        ValidationError: the URL is malformed.
    """
    given = settings.redis_url(app)
    url = web.redis_url(given)
    if url is None or isinstance(own, web.SharedReplayCache):
        return own
    return _redis(url, web.redis_source(given, settings.client_label("redis_url")))


def is_alone(store: web.ReplayStore) -> bool:
    """Return whether two processes may claim the same key: a store in memory, or in files."""
    if not isinstance(store, web.SharedReplayCache):
        return isinstance(store, web.ReplayCache)
    cache = getattr(store.cache, "cache", store.cache)  # Flask-Caching has the one that it wraps
    return type(cache).__name__ in {"FileSystemCache", "NullCache", "SimpleCache"}


def webhook_body(request: Request) -> bytes:
    """Return the raw body of a webhook.

    Raises:
        RequestEntityTooLarge: the body is over 1 MiB, or over the application's own limit.
    """
    limit = request.max_content_length
    if limit is None or limit > web.MAX_WEBHOOK_BYTES:
        # One more: werkzeug cuts a body without a length at the limit, and raises nothing.
        request.max_content_length = web.MAX_WEBHOOK_BYTES + 1
    body = request.get_data()
    if len(body) > web.MAX_WEBHOOK_BYTES:
        raise RequestEntityTooLarge
    return body


def verified_webhook(app: Flask, request: Request, body: bytes) -> web.VerifiedWebhook:
    """Verify the signature of a webhook, and return its event.

    Raises:
        NoWebhookSecret: no secret is set, or one is malformed (500).
        ValidationError: the signature is not good (400).
    """
    return web.verified_webhook(lambda: settings.webhook_secrets(app), request.environ, body)
