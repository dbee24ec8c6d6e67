"""The routes of `vendo_routes()`: connect a provider, come back, webhooks, and the identity."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from inspect import isasyncgenfunction, isgeneratorfunction
from typing import TypeAlias

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from vendo import VendoError
from vendo.web import (
    EventInProgress,
    NoWebhookSecret,
    ReceiverFailed,
    checked_rule,
    checked_slug,
    finish_connect,
    identity_body,
    invalid,
    returned_state,
    start_connect,
)
from vendo_starlette.clients import request_clients
from vendo_starlette.concurrency import call
from vendo_starlette.connect import (
    CONNECT,
    RULE,
    MayConnect,
    check_connect,
    own_hosts,
    own_url,
    root_path,
    why_not,
)
from vendo_starlette.errors import handle_view_error
from vendo_starlette.exceptions import WebhookRejected
from vendo_starlette.webhooks import RECEIVES, Receiver, handle_once, verified_webhook

_Endpoint: TypeAlias = Callable[[Request], Awaitable[Response]]


def vendo_routes(
    on_webhook: Receiver | None = None,
    *,
    path: str = "/api/vendo",
    may_connect: MayConnect | None = None,
) -> list[BaseRoute]:
    """Return the routes `connect/<slug>/`, `connect/done/`, `webhook/` and `identity`. Both modes.

    Args:
        on_webhook: `receive(event, request)`, called once for each webhook event, after its
            signature was verified. When it raises, the response is 500, and the platform delivers
            the webhook again. Without it webhooks are only verified. All receivers of an
            application share what it handled: an event goes to one of them.
        path: where the routes are; the platform's pages look for `identity` at
            `/api/vendo/identity`.
        may_connect: `may_connect(request, slug)` returns whether the user may connect a provider,
            and alone decides. It may be a coroutine function. Without it, users whom the platform's
            proxy names may (`VENDO_AUTH=1`), except viewers; elsewhere no user may. All who can
            open the route hold the API key.

    Returns:
        Routes for `Starlette(routes=…)` or `FastAPI(routes=…)`.

    Raises:
        ValidationError: `on_webhook` or `may_connect` is not a function. One with `yield` would do
            nothing when it is called.

    Example:
        ```python
        from fastapi import FastAPI
        from fastapi.testclient import TestClient

        from vendo_starlette import vendo_routes

        async def receive(event, request):
            print(event.type)

        app = FastAPI(routes=vendo_routes(receive))
        print(TestClient(app).get("/api/vendo/identity").status_code)  # 401
        ```
    """
    checked_rule(may_connect)
    if on_webhook is not None and (not callable(on_webhook) or _is_generator(on_webhook)):
        raise invalid(
            "on_webhook= must be a function of event and request.",
            fix="Write vendo_routes(receive), with def receive(event, request) and without yield.",
        )
    connect = _handles_errors(_connect_endpoint(may_connect))
    setattr(connect, RULE, may_connect)
    connected = _handles_errors(_connected_endpoint(may_connect))
    webhook = _webhook_endpoint(on_webhook)
    setattr(webhook, RECEIVES, on_webhook is not None)
    return [
        Route(f"{path}/connect/done/", connected, name="vendo:connected"),
        Route(f"{path}/connect/{{slug}}/", connect, name=CONNECT),
        Route(f"{path}/webhook/", webhook, methods=["POST"], name="vendo:webhook"),
        Route(f"{path}/identity", _handles_errors(identity), name="vendo:identity"),
    ]


def _is_generator(function: object) -> bool:
    return isgeneratorfunction(function) or isasyncgenfunction(function)


def _handles_errors(endpoint: _Endpoint) -> _Endpoint:
    """Have an endpoint respond to vendo's errors, with or without `install`. No cache keeps its
    responses.
    """

    @wraps(endpoint)
    async def handling(request: Request) -> Response:
        try:
            response = await endpoint(request)
        except VendoError as error:
            response = await handle_view_error(request, error)
        response.headers["Cache-Control"] = "no-store"
        return response

    return handling


def _connect_endpoint(may_connect: MayConnect | None) -> _Endpoint:
    """Return an endpoint that redirects to the page on which a user connects a provider.

    They come back to `?next=`.
    """

    async def connect(request: Request) -> Response:
        slug = checked_slug(request.path_params["slug"])
        await check_connect(request, slug, may_connect)
        found = start_connect(
            request_clients(request.scope).clients.blocking(),
            slug,
            own_url=str(own_url(request)),
            own_hosts=own_hosts(request),
            query=request.query_params,
            cookies=request.cookies,
            headers=request.headers,
            home=f"{root_path(request)}/",
        )
        response = RedirectResponse(found.url, 302)
        response.set_cookie(**found.cookie)
        return response

    return connect


def _connected_endpoint(may_connect: MayConnect | None) -> _Endpoint:
    """Return an endpoint that takes back a user who connected a provider.

    It redirects to `?next=` of `connect`.
    """

    async def connected(request: Request) -> Response:
        clients, query = request_clients(request.scope), request.query_params
        app_client, address = clients.clients.blocking(), str(own_url(request))
        state = returned_state(app_client, own_url=address, query=query, cookies=request.cookies)
        blocked = await why_not(request, state.slug, may_connect)
        next_address = await call(
            partial(
                finish_connect,
                app_client,
                clients.blocking(),
                state,
                own_url=address,
                own_hosts=own_hosts(request),
                query=query,
                store=clients.clients.replay_store(),
                may_connect=request.method == "GET" and blocked is None,
            )
        )
        return RedirectResponse(next_address, 302)

    return connected


def _webhook_endpoint(receiver: Receiver | None) -> _Endpoint:
    """Return an endpoint that verifies a webhook, and calls a receiver once for each event."""

    async def webhook(request: Request) -> Response:
        try:
            verified = await verified_webhook(request)
        except (WebhookRejected, NoWebhookSecret) as error:
            return await handle_view_error(request, error)
        except HTTPException as error:
            return Response(status_code=error.status_code)
        if receiver is not None:
            try:
                await handle_once(verified, receiver, request)
            except EventInProgress as error:
                return await handle_view_error(request, error)
            except (VendoError, HTTPException) as error:
                kind = type(error).__name__
                raise ReceiverFailed(f"The receiver of webhooks raised {kind}.") from error
        return Response()

    return webhook


async def identity(request: Request) -> Response:
    """Return the signed-in user as JSON, or 401."""
    return JSONResponse(identity_body(request.scope["headers"]))
