"""`install`: give an application settings of its own, and a handler for vendo's errors."""

from __future__ import annotations

from starlette.applications import Starlette

from vendo import VendoError
from vendo_starlette.clients import Clients, give_clients
from vendo_starlette.errors import handle_error
from vendo_starlette.settings import VendoSettings


def install(app: Starlette, settings: VendoSettings | None = None) -> None:
    """Add a handler for vendo's errors that no endpoint handles. Both modes.

    `NotConnected` and `NeedsReauth` become 424 with the link to connect the provider, and a browser
    is redirected there; `RateLimited` and `SpendCapExceeded` 429; `BalanceExhausted` 402;
    `IdentityNotPresent` 401; `UpstreamError` 502, a time-out 504; `VendoOnlyFeature` 501; all
    others 500, which the logger `vendo` logs with their traceback. A handler that the application
    has for `VendoError` stays.

    Args:
        app: a Starlette or FastAPI application, before it serves its first request.
        settings: settings of this application; without them it follows the environment.

    Raises:
        RuntimeError: the application has started.
        ValidationError: it has settings already.
    """
    if app.middleware_stack is not None:
        raise RuntimeError("The application has started. Call install() before it starts.")
    if settings is not None:
        give_clients(app, Clients(settings))
    app.exception_handlers.setdefault(VendoError, handle_error)
