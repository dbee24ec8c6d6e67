"""A test client for ASGI."""

from __future__ import annotations

from typing import Any

from django.test import AsyncClient


class AsgiClient(AsyncClient):
    """Django's client, with hyphens in header names as browsers send them.

    Older releases of it write underscores, as a forger might.
    """

    def request(self, **scope: Any) -> Any:
        """Return the response as an awaitable."""
        headers = [(name.replace(b"_", b"-"), value) for name, value in scope.pop("headers")]
        return super().request(headers=headers, **scope)
