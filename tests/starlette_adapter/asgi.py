"""Call an application as a server does, for behaviour that test clients hide."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Message, Scope

Headers = list[tuple[bytes, bytes]]


def http_scope(path: str = "/", method: str = "GET", headers: Headers | None = None) -> Scope:
    """Return the scope of a request, without the optional keys."""
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
    """Call the application, and return the messages that it sent."""
    messages = list(incoming)
    sent: list[Any] = []

    async def receive() -> Message:
        if messages:
            return messages.pop(0)
        await asyncio.Event().wait()  # the client stays connected
        raise AssertionError

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


def request(app: ASGIApp, scope: Scope, body: bytes = b"") -> tuple[int, bytes]:
    """Send a request, and return the status and body of the response."""
    sent = asyncio.run(call(app, scope, [{"type": "http.request", "body": body}]))
    status = next(message["status"] for message in sent if "status" in message)
    return status, b"".join(message.get("body", b"") for message in sent)
