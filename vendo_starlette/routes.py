"""The ready routes: leave to connect a provider and come back, webhooks, and who is signed in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Protocol, TypeAlias

from anyio import CancelScope
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Mount, Route

from vendo import IdentityNotPresent, VendoError, WebhookEvent, sso
from vendo.web import (
    CONNECT_COOKIE,
    CONNECT_SECONDS,
    checked_next,
    leave_to_connect,
    return_from_connect,
)
from vendo_starlette.answers import refusal_response
from vendo_starlette.calling import called
from vendo_starlette.clients import request_clients
from vendo_starlette.refusals import WebhookRefused
from vendo_starlette.webhooks import verified_event

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]
#: What is done with a webhook. Awaited where it can be, else called in a thread.
Receiver: TypeAlias = Callable[[WebhookEvent, Request], object]


class Seen(Protocol):
    """What keeps the ids of webhooks that came. Awaited where it can be, else in a thread."""

    def claim(self, event_id: str) -> bool | Awaitable[bool]:
        """Keep an id for ten minutes: true for the first caller with it."""

    def release(self, event_id: str) -> object:
        """Forget it."""


def vendo_routes(
    on_webhook: Receiver | None = None, *, path: str = "/api/vendo", seen: Seen | None = None
) -> list[BaseRoute]:
    """The routes `connect/<slug>/`, `connect/done/`, `webhook/` and `identity`. Both modes.

        app = Starlette(routes=[Route("/", home), *vendo_routes()])
        app = FastAPI(routes=vendo_routes())

    Args:
        on_webhook: `receive(event, request)`, called with each webhook once its signature is
            verified, and once for each of its ids. What it raises answers the webhook with 500, so
            that the platform delivers it again. Without it they are verified and answered.
        path: where they are; the platform's pages look for `identity` at `/api/vendo/identity`.
        seen: what keeps the ids for all processes of the application, such as a few lines over a
            Redis; without it each process has its own `vendo.web.SeenIds`.
    """
    routes: list[BaseRoute] = [
        Route("/connect/done/", _answering_refusals(connected), name="connected"),
        Route("/connect/{slug}/", _answering_refusals(connect), name="connect"),
        Route("/webhook/", webhook_endpoint(on_webhook, seen), methods=["POST"], name="webhook"),
        Route("/identity", _answering_refusals(identity), name="identity"),
    ]
    return [Mount(path, routes=routes, name="vendo")]


def _answering_refusals(endpoint: _Endpoint) -> _Endpoint:
    """An endpoint whose errors of vendo's are answered, with or without `install`, and whose
    answers nobody keeps.
    """

    @wraps(endpoint)
    async def answered(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except VendoError as error:
            response = refusal_response(error)
        response.headers["Cache-Control"] = "no-store"
        return response

    return answered


async def connect(request: Request) -> Response:
    """Redirect to the page on which a person connects a provider. They come back to `?next=`."""
    if sso.is_enabled() and sso.identity_from_headers(request.scope["headers"]) is None:
        # The address holds the API key: behind the platform's proxy it is for signed-in people.
        raise IdentityNotPresent("identity_not_present", "Sign in to connect a provider.")
    url = request.url
    leaving = leave_to_connect(
        request_clients(request.scope).clients.blocking(),
        request.path_params["slug"],
        return_to=str(url.replace(path=_beside(url.path), query="")),
        next_address=checked_next(request.query_params.get("next"), [url.netloc]),
        cookie=request.cookies.get(CONNECT_COOKIE),
    )
    response = RedirectResponse(leaving.url, 302)
    response.set_cookie(
        CONNECT_COOKIE,
        leaving.cookie,
        max_age=CONNECT_SECONDS,
        secure=url.scheme == "https",
        httponly=True,
        samesite="lax",
    )
    return response


def _beside(path: str) -> str:
    """The path of `connected`, whatever the routes are mounted under."""
    return path.rstrip("/").rsplit("/", 1)[0] + "/done/"


async def connected(request: Request) -> Response:
    """Where a person comes back from connecting a provider; they go on to where they had been."""
    clients = request_clients(request.scope)
    slug, next_address = return_from_connect(
        clients.clients.blocking(),
        request.query_params.get("state"),
        request.cookies.get(CONNECT_COOKIE),
    )
    clients.blocking().invalidate(slug)
    return RedirectResponse(next_address, 302)


def webhook_endpoint(receive: Receiver | None, kept: Seen | None) -> _Endpoint:
    """An endpoint that verifies a webhook and hands it on, once for each of its ids."""

    async def webhook(request: Request) -> Response:
        try:
            event = await verified_event(request)
        except WebhookRefused as error:
            return refusal_response(error)
        except HTTPException as error:
            return Response(status_code=error.status_code)
        if receive is None:
            return Response()
        seen = request_clients(request.scope).clients.seen if kept is None else kept
        if await called(seen.claim, event.id):
            try:
                await called(receive, event, request)
            except BaseException:
                # The next delivery of it is to be handled, also where this request was given up.
                with CancelScope(shield=True):
                    await called(seen.release, event.id)
                raise
        return Response()

    return webhook


async def identity(request: Request) -> Response:
    """Who is signed in, as JSON; 401 where nobody is."""
    return JSONResponse(sso.identity_response(request.scope["headers"]))
