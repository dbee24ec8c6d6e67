"""Webhooks out of requests: the body within its limit, the signature, and replay protection."""

from __future__ import annotations

from flask import Flask, Request
from werkzeug.exceptions import RequestEntityTooLarge

import vendo
from vendo.web import MAX_WEBHOOK_BYTES, ReplayCache, SharedCache, SharedReplayCache
from vendo_flask import settings

#: The key of `app.extensions` with the application's replay cache.
_REPLAY_CACHE = "vendo_replay_cache"


def add_replay_cache(app: Flask, cache: SharedCache | None) -> None:
    """Give the application a replay cache: in `cache`, or in the memory of each process."""
    app.extensions[_REPLAY_CACHE] = ReplayCache() if cache is None else SharedReplayCache(cache)


def replay_cache(app: Flask) -> ReplayCache | SharedReplayCache:
    """Return the application's replay cache."""
    found: ReplayCache | SharedReplayCache = app.extensions[_REPLAY_CACHE]
    return found


def webhook_body(request: Request) -> bytes:
    """Return the raw body of a webhook.

    Raises:
        RequestEntityTooLarge: the body is over 1 MiB, or over the application's own limit.
    """
    limit = request.max_content_length
    if limit is None or limit > MAX_WEBHOOK_BYTES:
        # One more: werkzeug cuts a body without a length at the limit, and raises nothing.
        request.max_content_length = MAX_WEBHOOK_BYTES + 1
    body = request.get_data()
    if len(body) > MAX_WEBHOOK_BYTES:
        raise RequestEntityTooLarge
    return body


def verified_event(app: Flask, request: Request, body: bytes) -> vendo.WebhookEvent:
    """Verify the signature of a webhook, and return its event.

    Raises:
        ValidationError: the signature is not good, or no secret is set.
    """
    return vendo.WebhooksAPI(settings.webhook_secrets(app)).verify(request.environ, body)
