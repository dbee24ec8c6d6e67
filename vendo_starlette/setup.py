"""`install`: give an application settings of its own, and a handler for vendo's errors."""

from __future__ import annotations

from starlette.applications import Starlette

from vendo import VendoError
from vendo.web import invalid
from vendo_starlette.clients import Clients, give_clients
from vendo_starlette.errors import ErrorPageFactory, give_error_page, handle_error
from vendo_starlette.settings import VendoSettings


def install(
    app: Starlette,
    settings: VendoSettings | None = None,
    *,
    error_page: ErrorPageFactory | None = None,
) -> None:
    """Add a handler for vendo's errors that no endpoint handles. Both modes.

    `NotConnected` and `NeedsReauth` become 424 with the link to connect the provider, for a browser
    a page with a button; `RateLimited` and `SpendCapExceeded` 429; `BalanceExhausted` 402;
    `IdentityNotPresent` 401; `UpstreamError` 502, a time-out 504; `VendoOnlyFeature` 501; all
    others 500, which the logger `vendo_starlette` logs with their traceback; in debug mode
    Starlette's debug page shows them. A handler that the application
    has for `VendoError` stays.

    Args:
        app: a Starlette or FastAPI application, before it serves its first request.
        settings: settings of this application; without them it follows the environment.
        error_page: `error_page(request, error, connect_url)` returns the page that a browser gets,
            in place of the built-in one. `connect_url` is None where this user may not connect the
            provider. It may be a coroutine function.

    Raises:
        RuntimeError: the application has started.
        ValidationError: it has settings already, or an argument is of another type.
    """
    if app.middleware_stack is not None:
        raise RuntimeError("The application has started. Call install() before it starts.")
    if settings is not None and not isinstance(settings, VendoSettings):
        raise invalid(
            "The settings must be VendoSettings.",
            fix="Write install(app, VendoSettings(timeout=10)).",
        )
    if error_page is not None and not callable(error_page):
        raise invalid(
            "error_page= must be a function of request, error and connect_url.",
            fix="Write def error_page(request, error, connect_url), which returns a response.",
        )
    if settings is not None:
        give_clients(app, Clients(settings))
    if error_page is not None:
        give_error_page(app, error_page)
    app.exception_handlers.setdefault(VendoError, handle_error)
