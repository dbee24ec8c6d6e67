"""All sites in one process, each below its name, as a server finds them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from a2wsgi import WSGIMiddleware
from asgiref.wsgi import WsgiToAsgi
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.wrappers import Response

from servers import django_site, flask_site, starlette_site
from vendo import sso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.requests import Request
    from starlette.types import ASGIApp


def plain(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """A site without a framework."""
    user = sso.identity_from_headers(environ)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [(user.user_id if user else "nobody").encode()]


async def plain_async(request: Request) -> PlainTextResponse:
    """The same for ASGI."""
    user = sso.identity_from_headers(request.scope["headers"])
    return PlainTextResponse(user.user_id if user else "nobody")


logging.basicConfig(level=logging.WARNING)

wsgi: Any = DispatcherMiddleware(
    Response(status=404),
    {"/django": django_site.wsgi, "/flask": flask_site.app, "/plain": plain},
)
#: The same for `flask run`.
flask_app = Flask("all")
flask_app.wsgi_app = wsgi  # type: ignore[method-assign]
through_asgiref: Any = WsgiToAsgi(wsgi)  # type: ignore[no-untyped-call]
through_a2wsgi: Any = WSGIMiddleware(wsgi)

django_app: ASGIApp = django_site.asgi  # type: ignore[assignment]  # its stubs differ in details
asgi = Starlette(
    routes=[
        Mount("/django", django_app),
        Mount("/starlette", starlette_site.app),
        Route("/plain/who/", plain_async),
    ]
)
