"""Fake providers: they accept only a valid token, in the place that the catalog gives."""

from __future__ import annotations

import base64
import binascii
import hashlib
from urllib.parse import unquote

from vendo._catalog import catalog
from vendo.testing._http.errors import error_response
from vendo.testing._http.messages import Response, json_response
from vendo.testing._providers import mailbox

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Headers, Request
    from vendo.testing._state.connections import Connections

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def respond(
    slug: str, path: str, request: Request, connections: Connections, *, proxied: bool = False
) -> Response:
    """Return a provider's response to a request.

    Args:
        slug: the provider. Outside the catalog it accepts a bearer token.
        path: the path below the fake provider's address, percent-encoded.
        request: the complete request.
        connections: the connections with their valid tokens.
        proxied: True if the platform's proxy accepts the request by its API key.
    """
    provider = catalog.provider(slug)
    if provider is not None and provider.path:
        token, path = _token_in_path(provider.path, path)
    else:
        token = _token_in_headers(provider, request.headers)
    holder = connections.holder(slug, token) if token else None
    if holder is None and not proxied:
        return _unauthorized(provider)
    user = holder.user if holder is not None else None
    for name in provider.extra_headers if provider else ():
        if name not in request.headers:
            return error_response("provider", 400, None, f"The header {name} is missing.")
    route = _ROUTES.get(slug)
    response = route(path, request, user) if route is not None else None
    return response or _anywhere(slug, path, request, user)


def _token_in_path(templates: tuple[str, ...], path: str) -> tuple[str | None, str]:
    for template in templates:
        before, _, after = template.partition("{token}")
        if path.startswith(before):
            segment, slash, rest = path[len(before) :].partition("/")
            token = unquote(segment)
            if token.endswith(after):
                return token.removesuffix(after), slash + rest
    return None, path


def _token_in_headers(provider: catalog.Provider | None, headers: Headers) -> str | None:
    if provider is not None and provider.basic is not None:
        return _token_in_basic(provider.basic, headers.get("authorization", ""))
    if provider is None:
        return _inside(catalog.BEARER[1], headers.get("authorization", ""))
    value = headers.get(provider.header[0], "")
    for template in (provider.header[1], catalog.BEARER[1]):
        token = _inside(template, value)
        if token is not None and provider.header_template(token) == template:
            return token
    return None


def _token_in_basic(template: str, value: str) -> str | None:
    scheme, _, encoded = value.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        return _inside(template, base64.b64decode(encoded, validate=True).decode())
    except (binascii.Error, ValueError):
        return None


def _inside(template: str, value: str) -> str | None:
    before, _, after = template.partition("{token}")
    fits = value.startswith(before) and value.endswith(after)
    return value[len(before) : len(value) - len(after)] if fits else None


def _unauthorized(provider: catalog.Provider | None) -> Response:
    if provider is not None and provider.slug == "telegram":
        return json_response({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
    response = error_response("provider", 401, None, "The credential is missing or expired.")
    response.headers["WWW-Authenticate"] = "Basic" if provider and provider.basic else "Bearer"
    return response


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
            "query": request.parameters(),
            "headers": _without_credentials(slug, request.headers),
            "body": request.body.decode("utf-8", "replace"),
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


def _without_credentials(slug: str, headers: Headers) -> dict[str, str]:
    provider = catalog.provider(slug)
    hidden = {"authorization", "proxy-authorization", "cookie", "x-vendo-user-jwt"}
    if provider is not None:
        hidden.add(provider.header[0].lower())
    return {name.lower(): text for name, text in headers.items() if name.lower() not in hidden}


def _gmail(path: str, request: Request, user: str | None) -> Response | None:
    root = "/gmail/v1/users/me/"
    if not path.startswith(root) or request.method not in {"GET", "HEAD"}:
        return None
    name, _, message_id = path.removeprefix(root).partition("/")
    if name == "profile" and not message_id:
        return json_response(mailbox.profile(user))
    if name == "messages" and not message_id:
        query = request.parameters()
        return json_response(
            mailbox.listing(
                query.get("q", ""), query.get("maxResults", ""), query.get("pageToken", "")
            )
        )
    found = mailbox.message(unquote(message_id), user) if name == "messages" else None
    if found is None:
        problem = {"code": 404, "message": "Requested entity was not found.", "status": "NOT_FOUND"}
        return json_response({"error": problem}, 404)
    return json_response(found)


def _openai(path: str, request: Request, _user: str | None) -> Response | None:
    if path not in {"/v1/models", "/models"} or request.method != "GET":
        return None
    model = {"id": "local-model", "object": "model", "created": 1_777_680_000, "owned_by": "local"}
    return json_response({"object": "list", "data": [model]})


def _telegram(path: str, _request: Request, _user: str | None) -> Response | None:
    if path != "/getMe":
        return None
    bot = {"id": 10_000_001, "is_bot": True, "first_name": "Local", "username": "local_vendo_bot"}
    return json_response({"ok": True, "result": bot})


_ROUTES = {"gmail": _gmail, "openai": _openai, "telegram": _telegram}
