"""Webhooks out of requests: the body within its limit, the signature, and replay protection."""

from __future__ import annotations

from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest

from vendo import WebhookEvent, WebhooksAPI
from vendo.web import MAX_WEBHOOK_BYTES, SharedReplayCache
from vendo_django import settings

#: In the default cache, which the project's processes may share.
replay_cache: SharedReplayCache = SharedReplayCache(cache)


def webhook_body(request: HttpRequest) -> bytes:
    """Return the raw body of a webhook.

    Raises:
        ValueError: the request's `Content-Length` is not a number.
        RequestDataTooBig: the body is over 1 MiB, or over the project's own limit.
    """
    length = int(request.META.get("CONTENT_LENGTH") or 0)
    body = b"" if length > MAX_WEBHOOK_BYTES else request.body
    if max(length, len(body)) > MAX_WEBHOOK_BYTES:
        raise RequestDataTooBig
    return body


def verified_event(request: HttpRequest, body: bytes) -> WebhookEvent:
    """Verify the signature of a webhook, and return its event.

    Raises:
        ValidationError: the signature is not good, or no secret is set.
    """
    return WebhooksAPI(settings.webhook_secrets()).verify(request.META, body)
