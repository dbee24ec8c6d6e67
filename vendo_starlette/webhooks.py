"""Webhooks out of requests: the body within its limit, the signature, and replay protection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeAlias

from anyio import CancelScope
from starlette.exceptions import HTTPException
from starlette.requests import Request

from vendo import ValidationError, WebhookEvent, WebhooksAPI
from vendo.web import MAX_WEBHOOK_BYTES
from vendo_starlette.clients import request_clients
from vendo_starlette.concurrency import call
from vendo_starlette.exceptions import WebhookRejected

#: Handles an event. It is awaited if it is a coroutine function, else called in a thread.
Receiver: TypeAlias = Callable[[WebhookEvent, Request], object]


class Claims(Protocol):
    """Replay protection. A coroutine function is awaited, others are called in a thread."""

    def claim(self, event_id: str) -> bool | Awaitable[bool]:
        """Keep an id for ten minutes, and return True for the first call with it."""

    def release(self, event_id: str) -> object:
        """Forget an id: handling its event failed."""


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
    return bytes(body)


async def verified_event(request: Request) -> WebhookEvent:
    """Verify the signature of a webhook, and return its event.

    Raises:
        WebhookRejected: the signature is not good, or no secret is set (400).
        HTTPException: the body is over 1 MiB (413).
    """
    body = await webhook_body(request)
    settings = request_clients(request.scope).clients.settings
    try:
        return WebhooksAPI(settings.webhook_secrets).verify(request.scope["headers"], body)
    except ValidationError as error:
        rejected = WebhookRejected(*error.args)
    raise rejected


async def handle_once(
    claims: Claims, event: WebhookEvent, receiver: Receiver, request: Request
) -> None:
    """Call the receiver unless this event was handled before. What it raises releases the claim."""
    if not await call(claims.claim, event.id):
        return
    try:
        await call(receiver, event, request)
    except BaseException:
        with CancelScope(shield=True):  # also where the request is cancelled
            await call(claims.release, event.id)
        raise
