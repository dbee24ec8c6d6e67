"""A browser that speaks ASGI."""

from __future__ import annotations

from typing import Any

from django.test import AsyncClient


class AsgiClient(AsyncClient):
    """Django's, whose headers have hyphens as those of browsers do.

    Older releases of it write underscores, as a forger might.
    """

    def request(self, **scope: Any) -> Any:
        """The response, to be awaited."""
        headers = [(name.replace(b"_", b"-"), value) for name, value in scope.pop("headers")]
        return super().request(headers=headers, **scope)
