"""The API: the user's messages, and live updates."""

import asyncio
from contextlib import suppress
from typing import Annotated, Any

import aiohttp
from anyio import create_task_group
from fastapi import APIRouter, Depends, WebSocket, WebSocketDisconnect
from fastapi.encoders import jsonable_encoder
from pydantic import BaseModel

from vendo import AsyncVendo, VendoIdentity
from vendo_starlette import vendo_async_session, vendo_client, vendo_identity

api = APIRouter(prefix="/api")

Gmail = Annotated[aiohttp.ClientSession, Depends(vendo_async_session("gmail"))]
Client = Annotated[AsyncVendo, Depends(vendo_client())]
User = Annotated[VendoIdentity, Depends(vendo_identity())]


class Message(BaseModel):
    """A message in the inbox."""

    subject: str
    sender: str
    snippet: str
    unread: bool


@api.get("/messages")
async def messages(_: User, gmail: Gmail, q: str = "") -> list[Message]:
    """Return the user's messages; with `q`, only those that match."""
    # Sends the user's own token. If Gmail is not connected, the response has the connect link.
    found = await _get(gmail, "messages", params={"q": q.strip(), "maxResults": 20})
    rows = found.get("messages", [])
    return list(await asyncio.gather(*(_message(gmail, row["id"]) for row in rows)))


async def _message(gmail: aiohttp.ClientSession, message_id: str) -> Message:
    message = await _get(gmail, f"messages/{message_id}")
    headers = {header["name"]: header["value"] for header in message["payload"]["headers"]}
    return Message(
        subject=headers.get("Subject", "(no subject)"),
        sender=headers.get("From", ""),
        snippet=message["snippet"],
        unread="UNREAD" in message["labelIds"],
    )


async def _get(gmail: aiohttp.ClientSession, path: str, **options: Any) -> Any:
    async with gmail.get(f"gmail/v1/users/me/{path}", **options) as response:
        response.raise_for_status()
        return await response.json()


@api.websocket("/live")
async def live(websocket: WebSocket, _: User, client: Client) -> None:
    """Send whether Gmail is connected and the latest webhooks, now and on each change."""
    await websocket.accept()
    with websocket.app.state.live.page() as changed:
        async with create_task_group() as tasks:

            async def send_updates() -> None:
                with suppress(WebSocketDisconnect):  # the loop below notices it too
                    while True:
                        await changed.wait()
                        changed.clear()
                        connected = "gmail" in await client.connections.connected_slugs()
                        notices = websocket.app.state.live.notices()
                        await websocket.send_json(
                            jsonable_encoder({"connected": connected, "notices": notices})
                        )

            tasks.start_soon(send_updates)
            async for _message in websocket.iter_text():
                pass  # a page sends nothing; the loop ends when the page closes
            tasks.cancel_scope.cancel()
