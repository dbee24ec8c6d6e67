"""An application called as a server calls it, for what no test client shows."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Scope

Headers = list[tuple[bytes, bytes]]


def http_scope(path: str = "/", method: str = "GET", headers: Headers | None = None) -> Scope:
    """The scope of a request, with nothing in it that a server might leave out."""
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"testserver"), *(headers or [])],
    }


async def call(app: ASGIApp, scope: Scope, incoming: Iterable[Message] = ()) -> list[Any]:
    """What the application sends, once it returned."""
    messages = list(incoming)
    sent: list[Any] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()  # a client that stays
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def request(app: ASGIApp, scope: Scope, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of the answer to a request."""
    sent = asyncio.run(call(app, scope, [{"type": "http.request", "body": body}]))
    status = next(message["status"] for message in sent if "status" in message)
    return status, b"".join(message.get("body", b"") for message in sent)
