"""What the platform does around an application, on this machine: the proxy, and the webhooks.

In a deployment none of this is yours: the platform's own proxy stands before the application.
"""

from __future__ import annotations

import http.client
from http.cookies import SimpleCookie
from threading import Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import vendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from starlette.types import ASGIApp, Receive, Scope, Send

    from vendo.testing import LocalVendo

_COOKIE = "person_on_this_machine"

PERSON = {
    "x-vendo-user-id": "7d3c0f2e",
    "x-vendo-user-email": "sam@example.com",
    "x-vendo-user-name": "Sam Example",
    "x-vendo-tenant-id": "tenant-1",
    "x-vendo-role": "owner",
    "x-vendo-user-jwt": "header-of.sam.signature",
}


def behind_proxy(application: WSGIApplication) -> WSGIApplication:
    """A WSGI application as it is behind the proxy, which lets one person sign in and out."""
    person = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in PERSON.items()}

    def proxy(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if headers := _of_own_answer(environ["PATH_INFO"]):
            start_response("303 See Other", headers)
            return [b""]
        # What a browser sends under these names is dropped: only the proxy writes them.
        for name in [name for name in environ if name.startswith("HTTP_X_VENDO_")]:
            del environ[name]
        if _COOKIE in SimpleCookie(environ.get("HTTP_COOKIE", "")):
            environ.update(person)
        return application(environ, start_response)

    return proxy


def behind_async_proxy(application: ASGIApp) -> ASGIApp:
    """An ASGI application as it is behind the same proxy, its WebSockets included."""
    person = [(name.encode(), value.encode()) for name, value in PERSON.items()]

    async def proxy(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await application(scope, receive, send)
            return
        if scope["type"] == "http" and (answer := _of_own_answer(scope["path"])):
            raw = [(name.lower().encode(), value.encode()) for name, value in answer]
            await send({"type": "http.response.start", "status": 303, "headers": raw})
            await send({"type": "http.response.body"})
            return
        # What a browser sends under these names is dropped: only the proxy writes them.
        headers = [pair for pair in scope["headers"] if not pair[0].startswith(b"x-vendo-")]
        cookies = [value.decode("latin-1") for name, value in headers if name == b"cookie"]
        if _COOKIE in SimpleCookie("; ".join(cookies)):
            headers += person
        await application({**scope, "headers": headers}, receive, send)

    return proxy


def _of_own_answer(path: str) -> list[tuple[str, str]]:
    """The headers of what the proxy answers itself; none where the application is asked."""
    if path not in {"/__vendo/auth/login", "/__vendo/auth/logout"}:
        return []
    age = 3600 if path.endswith("login") else 0
    cookie = f"{_COOKIE}=1; Path=/; HttpOnly; SameSite=Lax; Max-Age={age}"
    return [("Location", "/"), ("Set-Cookie", cookie), ("Content-Length", "0")]


def deliver_webhooks(server: LocalVendo, url: str) -> Callable[[], None]:
    """Tell the application of each event as the platform does. What is returned ends it."""
    client = server.client()
    events = client.events.subscribe()

    def deliver() -> None:
        try:
            for event in events:
                body = {"id": f"evt_{event.id}", "type": event.kind, "data": dict(event.data)}
                _post(url, *server.sign_webhook(body))
        except vendo.VendoError:
            pass  # the server was stopped first

    thread = Thread(target=deliver, daemon=True)
    thread.start()
    server.wait_for_streams(1)

    def end() -> None:
        events.close()
        thread.join()
        client.close()

    return end


def _post(url: str, headers: dict[str, str], body: bytes) -> None:
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request(
            "POST", parts.path, body, {**headers, "Content-Type": "application/json"}
        )
        connection.getresponse().read()
    finally:
        connection.close()
