"""Live updates: a WebSocket to each open page, with the latest webhooks."""

import asyncio
from collections import deque
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Depends, Request, WebSocket, WebSocketDisconnect

from vendo import AsyncVendo, WebhookEvent
from vendo_starlette import vendo_client, vendo_identity

live = APIRouter(dependencies=[Depends(vendo_identity())])  # for users who are signed in

Client = Annotated[AsyncVendo, Depends(vendo_client())]

#: The latest webhooks, newest first, and what wakes each open page; in the memory of this process.
latest: deque[dict[str, str | None]] = deque(maxlen=10)
pages: set[asyncio.Event] = set()


async def receive(event: WebhookEvent, request: Request) -> None:
    """Show a webhook on the pages. It is verified already, and each event arrives once."""
    latest.appendleft({"type": event.type, "slug": event.slug, "at": event.occurred_at})
    for page in pages:
        page.set()


@live.websocket("/api/live")
async def updates(websocket: WebSocket, client: Client) -> None:
    """Send whether Gmail is connected and the latest webhooks, now and after each webhook."""
    await websocket.accept()
    changed = asyncio.Event()
    pages.add(changed)
    try:
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(_send(websocket, client, changed))
            async for _ in websocket.iter_text():
                pass  # a page sends nothing; the loop ends when the page closes
            sending.cancel()
    finally:
        pages.remove(changed)


async def _send(websocket: WebSocket, client: AsyncVendo, changed: asyncio.Event) -> None:
    with suppress(WebSocketDisconnect):  # the loop above notices it too
        while True:
            changed.clear()
            connected = "gmail" in await client.connections.connected_slugs()
            await websocket.send_json({"connected": connected, "webhooks": list(latest)})
            await changed.wait()
