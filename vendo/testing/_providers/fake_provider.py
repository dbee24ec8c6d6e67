"""Fake providers: they accept only a valid token, in a place where the provider accepts it."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import urlencode

from vendo._catalog import catalog
from vendo.testing._http.errors import error_response
from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers import credentials, rejections, routes
from vendo.testing._state.state import bearer_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from vendo.testing._http.messages import Request
    from vendo.testing._state.state import State

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def respond(slug: str, path: str, request: Request, state: State) -> Response:
    """Return a provider's response to a request.

    Args:
        slug: the provider. Outside the catalog it accepts a bearer token.
        path: the path below the fake provider's address, percent-encoded.
        request: the complete request.
        state: the connections with their valid tokens, and the responses that a test sets.
    """
    tokens, path = credentials.found_in(slug, path, request)
    holders = (state.connections.holder(slug, token) for token in tokens)
    holder = next((found for found in holders if found is not None), None)
    # The platform's proxy accepts an API key as well, where the SDK puts it.
    keys = (*tokens, bearer_of(request.headers))
    if holder is None and not any(state.is_pool_key(slug, key) for key in keys):
        return rejections.of(slug)
    provider = catalog.provider(slug)
    for name in provider.extra_headers if provider else ():
        if name not in request.headers:
            return error_response("provider", 400, None, f"The header {name} is missing.")
    user = holder.user if holder is not None else None
    return (
        state.responses.get(slug, request.method, path)
        or routes.respond(slug, path, request, user)
        or _anywhere(slug, path, request, user)
    )


def _anywhere(slug: str, path: str, request: Request, user: str | None) -> Response:
    """Return the response of the routes that every fake provider has."""
    if path == "/echo":
        return json_response(
            {
                "method": request.method,
                "length": len(request.body),
                "sha256": hashlib.sha256(request.body).hexdigest(),
                "base64": base64.b64encode(request.body).decode(),
                "headers": sorted(name.lower() for name in request.headers),
            }
        )
    if path.startswith("/status/"):
        return _status(path.removeprefix("/status/"))
    if path == "/redirect":
        return _redirect(request.parameters())
    return json_response(
        {
            "provider": slug,
            "user": user,
            "method": request.method,
            "path": path,
            "query": _without(request.parameters(), credentials.query_fields_of(slug)),
            "headers": _shown_headers(slug, request),
            "body": _shown_body(slug, request),
        }
    )


def _status(code: str) -> Response:
    if not code.isdecimal() or not 200 <= int(code) <= 599:
        return error_response("provider", 400, None, "The status must be between 200 and 599.")
    status = int(code)
    return Response(status) if status in {204, 304} else json_response({"status": status}, status)


def _redirect(parameters: dict[str, str]) -> Response:
    code = parameters.get("status", "302")
    if not code.isdecimal() or int(code) not in _REDIRECTS or not parameters.get("to"):
        return error_response("provider", 400, None, "The path is /redirect?to=URL&status=302.")
    return Response(int(code), b"", {"Location": parameters["to"]})


def _shown_headers(slug: str, request: Request) -> dict[str, str]:
    named = {name.lower(): text for name, text in request.headers.items()}
    hidden = {"proxy-authorization", "cookie", "x-vendo-user-jwt"}
    return _without(named, hidden | credentials.headers_of(slug))


def _shown_body(slug: str, request: Request) -> str:
    hidden = credentials.form_fields_of(slug)
    form = credentials.form_of(request) if hidden else {}
    if hidden & form.keys():
        return urlencode(_without(form, hidden))
    return request.body.decode("utf-8", "replace")


def _without(fields: dict[str, str], hidden: Collection[str]) -> dict[str, str]:
    return {name: text for name, text in fields.items() if name not in hidden}
