"""The routes of `vendo_routes()`: connect a provider, come back, webhooks, and the identity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from vendo import VendoError, sso
from vendo.web import CONNECT_COOKIE, finish_connect, start_connect
from vendo_starlette.clients import request_clients
from vendo_starlette.errors import handle_view_error
from vendo_starlette.exceptions import WebhookRejected
from vendo_starlette.webhooks import Claims, Receiver, handle_once, verified_event

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def vendo_routes(
    on_webhook: Receiver | None = None, *, path: str = "/api/vendo", seen: Claims | None = None
) -> list[BaseRoute]:
    """Return the routes `connect/<slug>/`, `connect/done/`, `webhook/` and `identity`. Both modes.

        app = Starlette(routes=[Route("/", home), *vendo_routes()])
        app = FastAPI(routes=vendo_routes())

    Args:
        on_webhook: `receive(event, request)`, called once for each webhook event, after its
            signature was verified. When it raises, the response is 500, and the platform delivers
            the webhook again. Without it webhooks are only verified.
        path: where the routes are; the platform's pages look for `identity` at
            `/api/vendo/identity`.
        seen: replay protection that all processes of the application share, such as a few lines
            over Redis; without it each process has a `vendo.web.ReplayCache`.
    """
    routes: list[BaseRoute] = [
        Route("/connect/done/", _handles_errors(connected), name="connected"),
        Route("/connect/{slug}/", _handles_errors(connect), name="connect"),
        Route("/webhook/", webhook_endpoint(on_webhook, seen), methods=["POST"], name="webhook"),
        Route("/identity", _handles_errors(identity), name="identity"),
    ]
    return [Mount(path, routes=routes, name="vendo")]


def _handles_errors(endpoint: _Endpoint) -> _Endpoint:
    """Have an endpoint respond to vendo's errors, with or without `install`. No cache keeps its
    responses.
    """

    @wraps(endpoint)
    async def handling(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except VendoError as error:
            response = handle_view_error(error)
        response.headers["Cache-Control"] = "no-store"
        return response

    return handling


async def connect(request: Request) -> Response:
    """Redirect to the page on which a user connects a provider. They come back to `?next=`."""
    url = request.url
    found = start_connect(
        request_clients(request.scope).clients.blocking(),
        request.path_params["slug"],
        headers=request.scope["headers"],
        return_to=str(url.replace(path=_done_path(url.path), query="")),
        next_address=request.query_params.get("next"),
        own_host=url.netloc,
        cookie=request.cookies.get(CONNECT_COOKIE),
    )
    response = RedirectResponse(found.url, 302)
    response.set_cookie(**found.cookie_arguments(is_https=url.scheme == "https"))
    return response


def _done_path(path: str) -> str:
    """Return the path of `connected`, wherever the routes are mounted."""
    return path.rstrip("/").rsplit("/", 1)[0] + "/done/"


async def connected(request: Request) -> Response:
    """Take back a user who connected a provider, and redirect to `?next=` of `connect`."""
    clients = request_clients(request.scope)
    next_address = finish_connect(
        clients.clients.blocking(),
        clients.blocking(),
        state=request.query_params.get("state"),
        cookie=request.cookies.get(CONNECT_COOKIE),
    )
    return RedirectResponse(next_address, 302)


def webhook_endpoint(receiver: Receiver | None, claims: Claims | None) -> _Endpoint:
    """Return an endpoint that verifies a webhook, and calls a receiver once for each event."""

    async def webhook(request: Request) -> Response:
        try:
            event = await verified_event(request)
        except WebhookRejected as error:
            return handle_view_error(error)
        except HTTPException as error:
            return Response(status_code=error.status_code)
        if receiver is not None:
            shared = request_clients(request.scope).clients.replay_cache
            await handle_once(claims or shared, event, receiver, request)
        return Response()

    return webhook


async def identity(request: Request) -> Response:
    """Return the signed-in user as JSON, or 401."""
    return JSONResponse(sso.identity_response(request.scope["headers"]))
