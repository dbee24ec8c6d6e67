"""`install`: an application that knows vendo's errors, and has settings of its own."""

from __future__ import annotations

from starlette.applications import Starlette

from vendo import VendoError
from vendo_starlette.answers import answer_error
from vendo_starlette.clients import Clients, tell
from vendo_starlette.settings import VendoSettings


def install(app: Starlette, settings: VendoSettings | None = None) -> None:
    """Let an application answer vendo's errors where no endpoint handles them. Both modes.

    `NotConnected` and `NeedsReauth` become 424 with the link to connect the provider, and a browser
    is sent there; `RateLimited` and `SpendCapExceeded` 429; `BalanceExhausted` 402;
    `IdentityNotPresent` 401; `UpstreamError` 502, a time-out 504; `VendoOnlyFeature` 501; the rest
    500, which are logged by the logger `vendo` with their traceback. A handler that the
    application already has for `VendoError` stays.

    Args:
        app: a Starlette or FastAPI application, before it serves its first request.
        settings: settings of this application; without them it follows the environment.

    Raises:
        RuntimeError: the application has started.
        ValidationError: it has settings already.
    """
    if app.middleware_stack is not None:
        raise RuntimeError("install() comes before the application starts.")
    if settings is not None:
        tell(app, Clients(settings))
    app.exception_handlers.setdefault(VendoError, answer_error)
