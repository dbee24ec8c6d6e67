"""Webhooks out of requests: the body within its limit, the signature, and replay protection."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from anyio import CancelScope
from starlette.exceptions import HTTPException
from starlette.requests import Request

from vendo import ValidationError, WebhookEvent, web
from vendo.web import MAX_WEBHOOK_BYTES
from vendo_starlette.clients import request_clients
from vendo_starlette.concurrency import call
from vendo_starlette.exceptions import WebhookRejected

#: Handles an event. It is awaited if it is a coroutine function, else called in a thread.
Receiver: TypeAlias = Callable[[WebhookEvent, Request], object]


#: The attribute of an endpoint that hands events to a receiver.
RECEIVES = "vendo_receives_webhooks"


async def webhook_body(request: Request) -> bytes:
    """Return the raw body of a webhook.

    Raises:
        HTTPException: the body is over 1 MiB (413).
    """
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > MAX_WEBHOOK_BYTES:
        raise HTTPException(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_WEBHOOK_BYTES:  # there was no length, or a wrong one
            raise HTTPException(413)
    request._body = bytes(body)  # as `Request.body` keeps it, for a receiver that reads it again
    return request._body


async def verified_webhook(request: Request) -> web.VerifiedWebhook:
    """Verify the signature of a webhook, and return its event.

    Raises:
        NoWebhookSecret: no secret is set, or one is malformed (500).
        WebhookRejected: the signature is not good (400).
        HTTPException: the body is over 1 MiB (413).
    """
    body = await webhook_body(request)
    settings = request_clients(request.scope).clients.settings
    try:
        return web.verified_webhook(
            lambda: settings.webhook_secrets, request.scope["headers"], body
        )
    except ValidationError as error:
        rejected = WebhookRejected(*error.args)
    raise rejected


async def handle_once(webhook: web.VerifiedWebhook, receiver: Receiver, request: Request) -> None:
    """Call the receiver unless this event was handled before.

    Raises:
        EventInProgress: another delivery handles it (409).
    """
    store = request_clients(request.scope).clients.replay_store()
    delivery = web.Delivery(store, webhook.replay_key)
    end: Callable[[], None] | None = delivery.release  # also where this task is cancelled
    try:
        if await call(delivery.begin):
            await call(receiver, webhook.event, request)
            end = delivery.finish
        else:
            end = None
    finally:
        if end is not None:
            with CancelScope(shield=True):
                await call(end)
