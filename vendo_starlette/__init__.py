"""Vendo for Starlette and FastAPI: the client of each request, and dependencies.

    from vendo_starlette import vendo_session

    @app.get("/profile")
    def profile(gmail: Annotated[requests.Session, Depends(vendo_session("gmail"))]): ...

PYTEST_DONT_REWRITE
"""

# A submodule is imported when it is used. The docstring's marker: see the package `vendo`.

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo_starlette.clients import aclient, client
    from vendo_starlette.dependencies import (
        vendo_async_session,
        vendo_client,
        vendo_httpx,
        vendo_identity,
        vendo_session,
        vendo_sync_client,
        vendo_token,
        vendo_webhook,
    )
    from vendo_starlette.middleware import VendoMiddleware
    from vendo_starlette.routes import vendo_routes
    from vendo_starlette.settings import VendoSettings
    from vendo_starlette.settings_fields import FromVendo, vendo_settings_source
    from vendo_starlette.setup import install

__all__ = [
    "FromVendo",
    "VendoMiddleware",
    "VendoSettings",
    "aclient",
    "client",
    "install",
    "vendo_async_session",
    "vendo_client",
    "vendo_httpx",
    "vendo_identity",
    "vendo_routes",
    "vendo_session",
    "vendo_settings_source",
    "vendo_sync_client",
    "vendo_token",
    "vendo_webhook",
]

if not TYPE_CHECKING:  # a type checker would accept every name
    from vendo.web import lazy_names

    __getattr__, __dir__ = lazy_names(
        globals(),
        {
            "FromVendo": ".settings_fields",
            "VendoMiddleware": ".middleware",
            "VendoSettings": ".settings",
            "aclient": ".clients",
            "client": ".clients",
            "install": ".setup",
            "vendo_async_session": ".dependencies",
            "vendo_client": ".dependencies",
            "vendo_httpx": ".dependencies",
            "vendo_identity": ".dependencies",
            "vendo_routes": ".routes",
            "vendo_session": ".dependencies",
            "vendo_settings_source": ".settings_fields",
            "vendo_sync_client": ".dependencies",
            "vendo_token": ".dependencies",
            "vendo_webhook": ".dependencies",
        },
    )
