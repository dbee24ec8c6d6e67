"""Importing the package imports no more than an application needs."""

from __future__ import annotations

from support.imports import imported_after


def test_middleware_and_dependencies_import_no_client() -> None:
    line = "from vendo_starlette import VendoMiddleware, vendo_session, vendo_token, vendo_webhook"
    found = imported_after("import fastapi", line)
    assert {"vendo_starlette.middleware", "vendo_starlette.dependencies"} <= found
    assert not found & {
        "urllib.request",
        "vendo._client.base",
        "vendo._protocol.models",
        "vendo_starlette.checks",
        "vendo_starlette.httpx_clients",
        "vendo_starlette.webhooks",
    }
