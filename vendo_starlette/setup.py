"""`install`: give an application settings of its own, and a handler for vendo's errors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from weakref import WeakSet

from starlette.applications import Starlette

from vendo import AsyncVendo, Vendo, VendoError
from vendo.web import invalid
from vendo_starlette.clients import Clients, clients_of, give_clients
from vendo_starlette.errors import ErrorPageFactory, give_error_page, handle_error
from vendo_starlette.middleware import VendoMiddleware
from vendo_starlette.settings import VendoSettings

_installed: WeakSet[Starlette] = WeakSet()


def install(
    app: Starlette,
    settings: VendoSettings | None = None,
    *,
    error_page: ErrorPageFactory | None = None,
    client: Vendo | None = None,
    aclient: AsyncVendo | None = None,
) -> None:
    """Add a handler for vendo's errors, and a check when the application starts. Both modes.

    `NotConnected` and `NeedsReauth` become 424 with the link to connect the provider, for a browser
    a page with a button; `RateLimited` and `SpendCapExceeded` 429; `BalanceExhausted` 402;
    `IdentityNotPresent` 401; `UpstreamError` 502, a time-out 504; `VendoOnlyFeature` 501; all
    others 500, which the logger `vendo_starlette` logs with their traceback; in debug mode
    Starlette's debug page shows them. A handler that the application has for `VendoError` stays.

    When the application starts, the key and the `required` slugs are checked, before its own
    lifespan; when it stops, the kept connections are closed, after it. Starlette runs no lifespan
    of a mounted application, so nothing is checked for one.

    Args:
        app: a Starlette or FastAPI application, before it serves its first request.
        settings: settings of this application; without them it follows the environment.
        error_page: `error_page(request, error, connect_url)` returns the page that a browser gets,
            in place of the built-in one. `connect_url` is None where this user may not connect the
            provider. It may be a coroutine function.
        client: the blocking client of the whole application, such as a mock. It stays open when the
            application stops. A later `install` may replace it, also after the start.
        aclient: the same for asyncio. If a request carries a user's JWT, both act for that user.

    Raises:
        RuntimeError: the application has started.
        ValidationError: it has settings already, or an argument is of another type.

    Example:
        ```python
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo.testing import MockAsyncClient
        from vendo_starlette import install, vendo_token

        app = FastAPI()
        install(app, aclient=MockAsyncClient())  # in a test; without arguments elsewhere

        @app.get("/")
        async def length(token: str = Depends(vendo_token("openai"))):
            return len(token)

        print(TestClient(app).get("/").status_code)  # 424: the mock has no token
        ```
    """
    if app.middleware_stack is not None and app not in _installed:
        raise RuntimeError("The application has started. Fix: call install() before it starts.")
    _check(error_page, client, aclient)
    if settings is not None:
        give_clients(app, Clients(settings))
    given = {"blocking": client, "asynchronous": aclient}
    clients_of(app).use(**{name: each for name, each in given.items() if each is not None})
    if error_page is not None:
        give_error_page(app, error_page)
    if app not in _installed:
        _installed.add(app)
        app.exception_handlers.setdefault(VendoError, handle_error)
        _check_at_start(app)


def _check(error_page: object, client: object, aclient: object) -> None:
    if error_page is not None and not callable(error_page):
        raise invalid(
            "error_page= must be a function of request, error and connect_url.",
            fix="Write def error_page(request, error, connect_url), which returns a response.",
        )
    for name, given, kind in (("client", client, Vendo), ("aclient", aclient, AsyncVendo)):
        if given is not None and not isinstance(given, kind):
            raise invalid(
                f"{name}= must be an instance of {kind.__name__}, also where it is a mock.",
                fix="Write install(app, client=MockClient(), aclient=MockAsyncClient()).",
            )


def _check_at_start(app: Starlette) -> None:
    """Check the application before its own lifespan begins, and close its clients after that."""
    lifespan = app.router.lifespan_context

    @asynccontextmanager
    async def checking(scope_app: Any) -> AsyncIterator[Any]:
        async with _running(app), lifespan(scope_app) as state:
            yield state

    app.router.lifespan_context = checking


@asynccontextmanager
async def _running(app: Starlette) -> AsyncIterator[None]:
    middleware: list[object] = [each.cls for each in app.user_middleware]
    if VendoMiddleware in middleware:  # it does the same
        yield
        return
    from vendo_starlette.checks import check_start

    clients = clients_of(app)
    try:
        await check_start(clients, app)
        yield
    finally:
        await clients.aclose()
