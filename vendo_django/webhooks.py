"""Webhooks out of requests: the body within its limit, the signature, and replay protection."""

from __future__ import annotations

from functools import lru_cache

from django.core.cache import cache, caches
from django.core.cache.backends.dummy import DummyCache
from django.core.cache.backends.filebased import FileBasedCache
from django.core.cache.backends.locmem import LocMemCache
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from vendo import web
from vendo_django import settings


@lru_cache(maxsize=1)
def _redis(url: str, source: str) -> web.RedisReplayCache:
    return web.RedisReplayCache(url, source=source)


@lru_cache(maxsize=1)
def _cache() -> web.SharedReplayCache:
    return web.SharedReplayCache(cache)


def replay_store() -> web.ReplayStore:
    """Return where replays are remembered: in Redis where there is a URL, else the default cache.

    Raises:
        ImproperlyConfigured: there is no URL, and no default cache.
        MissingExtra: the package `redis` is not installed.
        ValidationError: the URL is malformed.
    """
    given = settings.redis_url()
    url = web.redis_url(given)
    if url is None:
        return _cache()
    return _redis(url, web.redis_source(given, settings.client_label("redis_url")))


def is_alone(store: web.ReplayStore) -> bool:
    """Return whether two processes may claim the same key: a store in memory, or in files."""
    try:
        backend = caches["default"]
    except Exception:  # noqa: BLE001  # whatever its module raises, as at the first use
        return False
    return store is _cache() and isinstance(backend, LocMemCache | DummyCache | FileBasedCache)


def webhook_body(request: HttpRequest) -> bytes:
    """Return the raw body of a webhook.

    Raises:
        ValueError: the request's `Content-Length` is not a number.
        RequestDataTooBig: the body is over 1 MiB, or over the project's own limit.
    """
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    body = b"" if length > web.MAX_WEBHOOK_BYTES else request.body
    if max(length, len(body)) > web.MAX_WEBHOOK_BYTES:
        raise RequestDataTooBig
    return body


def verified_webhook(request: HttpRequest, body: bytes) -> web.VerifiedWebhook:
    """Verify the signature of a webhook, and return its event.

    Raises:
        NoWebhookSecret: no secret is set, or one is malformed (500).
        ValidationError: the signature is not good (400).
    """
    return web.verified_webhook(settings.webhook_secrets, request.META, body)
