"""The API: the user's messages."""

import asyncio
from typing import Annotated, Any

from aiohttp import ClientSession
from fastapi import APIRouter, Depends
from pydantic import BaseModel

from vendo import VendoIdentity
from vendo_starlette import vendo_async_session, vendo_identity

api = APIRouter()

Gmail = Annotated[ClientSession, Depends(vendo_async_session("gmail"))]
User = Annotated[VendoIdentity, Depends(vendo_identity())]


class Message(BaseModel):
    """A message in the inbox."""

    subject: str
    sender: str
    snippet: str
    unread: bool


@api.get("/api/messages")
async def messages(_: User, gmail: Gmail, q: str = "") -> list[Message]:
    """Return the user's messages; with `q`, only those that match."""
    # Sends the user's own token. If Gmail is not connected, the response has the connect link.
    found = await _get(gmail, "messages", q=q.strip(), maxResults=20)
    reading = [_message(gmail, row["id"]) for row in found.get("messages", [])]
    return list(await asyncio.gather(*reading))


async def _message(gmail: ClientSession, message_id: str) -> Message:
    message = await _get(gmail, f"messages/{message_id}")
    headers = {header["name"]: header["value"] for header in message["payload"]["headers"]}
    return Message(
        subject=headers.get("Subject", "(no subject)"),
        sender=headers.get("From", ""),
        snippet=message["snippet"],
        unread="UNREAD" in message["labelIds"],
    )


async def _get(gmail: ClientSession, path: str, **parameters: str | int) -> Any:
    async with gmail.get(f"gmail/v1/users/me/{path}", params=parameters) as response:
        response.raise_for_status()
        return await response.json()
