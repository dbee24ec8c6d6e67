"""The platform on this machine: its proxy and its webhooks, for the example applications.

A deployment needs none of this: the platform's own proxy is in front of the application.
"""

from __future__ import annotations

import http.client
from contextlib import closing, contextmanager, suppress
from http.cookies import SimpleCookie
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import vendo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from starlette.types import ASGIApp, Receive, Scope, Send

    from vendo.testing import LocalVendo

_COOKIE = "user_on_this_machine"

USER = {
    "x-vendo-user-id": "7d3c0f2e",
    "x-vendo-user-email": "sam@example.com",
    "x-vendo-user-name": "Sam Example",
    "x-vendo-tenant-id": "tenant-1",
    "x-vendo-role": "owner",
    "x-vendo-user-jwt": "header-of.sam.signature",
}


def behind_proxy(application: WSGIApplication) -> WSGIApplication:
    """Put a WSGI application behind the proxy, where one user can sign in and out."""
    user = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in USER.items()}

    def proxy(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if headers := _sign_in_or_out(environ["PATH_INFO"]):
            start_response("303 See Other", headers)
            return [b""]
        # Only the proxy sets these headers: those of a browser are removed.
        for name in [name for name in environ if name.startswith("HTTP_X_VENDO_")]:
            del environ[name]
        if _COOKIE in SimpleCookie(environ.get("HTTP_COOKIE", "")):
            environ.update(user)
        return application(environ, start_response)

    return proxy


def behind_async_proxy(application: ASGIApp) -> ASGIApp:
    """Put an ASGI application behind the same proxy, with its WebSockets."""
    user = [(name.encode(), value.encode()) for name, value in USER.items()]

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, send)
            return
        if scope["type"] == "http" and (response := _sign_in_or_out(scope["path"])):
            raw = [(name.lower().encode(), value.encode()) for name, value in response]
            await send({"type": "http.response.start", "status": 303, "headers": raw})
            await send({"type": "http.response.body"})
            return
        # Only the proxy sets these headers: those of a browser are removed.
        headers = [pair for pair in scope["headers"] if not pair[0].startswith(b"x-vendo-")]
        cookies = [value.decode("latin-1") for name, value in headers if name == b"cookie"]
        if _COOKIE in SimpleCookie("; ".join(cookies)):
            headers += user
        await application({**scope, "headers": headers}, receive, send)

    return proxy


def _sign_in_or_out(path: str) -> list[tuple[str, str]]:
    """Return the headers of the proxy's own response, empty if the application responds."""
    if path not in {"/__vendo/auth/login", "/__vendo/auth/logout"}:
        return []
    age = 3600 if path.endswith("login") else 0
    cookie = f"{_COOKIE}=1; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}"
    return [("Location", "/"), ("Set-Cookie", cookie), ("Content-Length", "0")]


@contextmanager
def deliver_webhooks(server: LocalVendo, url: str) -> Iterator[None]:
    """Send each event of the platform to the application, as a webhook."""

    def deliver() -> None:
        try:
            for event in events:
                body = {"id": f"evt_{event.id}", "type": event.type, "data": dict(event.data)}
                _post(url, *server.sign_webhook(body))
        except vendo.VendoError:
            pass  # the server has stopped

    with server.client() as client, client.events.subscribe() as events:
        thread = Thread(target=deliver, daemon=True)
        thread.start()
        server.wait_for_streams(1)
        yield


def _post(url: str, headers: dict[str, str], body: bytes) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    with closing(connection), suppress(OSError):  # the application has stopped
        connection.request("POST", parts.path, body, headers)
        connection.getresponse().read()
