"""The API: the person's messages, and what is new."""

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
Person = Annotated[VendoIdentity, Depends(vendo_identity())]


class Message(BaseModel):
    """A message as the inbox lists it."""

    subject: str
    sender: str
    snippet: str
    unread: bool


@api.get("/messages")
async def messages(_: Person, gmail: Gmail, q: str = "") -> list[Message]:
    """The person's messages, those with the words of `q` where there are any."""
    # Their own token goes along. Where Gmail is not connected, the answer says how to connect it.
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


async def _get(gmail: aiohttp.ClientSession, path: str, **how: Any) -> Any:
    async with gmail.get(f"gmail/v1/users/me/{path}", **how) as answer:
        answer.raise_for_status()
        return await answer.json()


@api.websocket("/live")
async def live(websocket: WebSocket, _: Person, client: Client) -> None:
    """Whether Gmail is connected and what the platform told: at once, and whenever it changes."""
    await websocket.accept()
    with websocket.app.state.live.page() as news:
        async with create_task_group() as tasks:

            async def tell() -> None:
                with suppress(WebSocketDisconnect):  # the loop below sees that as well
                    while True:
                        await news.wait()
                        news.clear()
                        connected = "gmail" in await client.connections.connected_slugs()
                        notices = websocket.app.state.live.notices()
                        await websocket.send_json(
                            jsonable_encoder({"connected": connected, "notices": notices})
                        )

            tasks.start_soon(tell)
            async for _message_of_page in websocket.iter_text():
                pass  # a page says nothing; this ends when it is gone
            tasks.cancel_scope.cancel()
