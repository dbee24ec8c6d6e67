"""The paths that each fake provider knows, so that the first call of its SDK succeeds."""

from __future__ import annotations

from vendo.testing._providers import (
    anthropic,
    github,
    gmail,
    huggingface,
    notion,
    openai,
    slack,
    stripe,
    telegram,
)
from vendo.testing._state.responses import below_base

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import TypeAlias

    from vendo.testing._http.messages import Request, Response

    #: It gets the request, its user (None is the deployment), and what `*` of the path is.
    Route: TypeAlias = Callable[[Request, str | None, str], Response]

#: By provider, then by method and path. The path is without that of the base URL, and `*` stands
#: for the rest of it.
ROUTES: Mapping[str, Mapping[str, Route]] = {
    "anthropic": anthropic.ROUTES,
    "github": github.ROUTES,
    "gmail": gmail.ROUTES,
    "huggingface": huggingface.ROUTES,
    "notion": notion.ROUTES,
    "openai": openai.ROUTES,
    "slack": slack.ROUTES,
    "stripe": stripe.ROUTES,
    "telegram": telegram.ROUTES,
}


def respond(slug: str, path: str, request: Request, user: str | None) -> Response | None:
    """Return the response of a provider's own route, or None. A HEAD is answered as a GET."""
    method = "GET" if request.method == "HEAD" else request.method
    wanted = f"{method} {below_base(slug, path)}"
    routes = ROUTES.get(slug, {})
    exact = routes.get(wanted)
    if exact is not None:
        return exact(request, user, "")
    for pattern, route in routes.items():
        stem = pattern.removesuffix("*")
        if stem != pattern and wanted.startswith(stem):
            return route(request, user, wanted.removeprefix(stem))
    return None
