"""Webhooks out of requests."""

from __future__ import annotations

from starlette.exceptions import HTTPException
from starlette.requests import Request

from vendo import ValidationError, WebhookEvent, WebhooksAPI
from vendo.web import MAX_WEBHOOK_BYTES
from vendo_starlette.clients import request_clients
from vendo_starlette.refusals import WebhookRefused


async def verified_event(request: Request) -> WebhookEvent:
    """The event of a webhook whose signature is good.

    Raises:
        WebhookRefused: it is not (400).
        HTTPException: its body is over 1 MiB (413).
    """
    body = await _bounded_body(request)
    settings = request_clients(request.scope).clients.settings
    try:
        # The secrets go into no variable: reports of errors show those of every frame.
        return WebhooksAPI(settings.webhook_secrets).verify(request.scope["headers"], body)
    except ValidationError as error:
        refused = WebhookRefused(error)
    raise refused


async def _bounded_body(request: Request) -> bytes:
    length = request.headers.get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > MAX_WEBHOOK_BYTES:
        raise HTTPException(413)
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_WEBHOOK_BYTES:  # it came in pieces, without a length
            raise HTTPException(413)
    return bytes(body)
