"""The wire contract's paths: the credentials worker, the platform API and the others."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

from vendo._config.slugs import checked_slug
from vendo.errors import ValidationError
from vendo.testing._http.errors import ApiError, error_response
from vendo.testing._http.messages import json_response
from vendo.testing._pages import links, pages
from vendo.testing._providers import fake_provider
from vendo.testing._server import cors, data_proxy
from vendo.testing._server.rows import available_row, connection_row, integration_row
from vendo.testing._state.actions import requested_action
from vendo.testing._state.connections import as_rfc3339, user_of
from vendo.testing._state.state import KEY_PREFIX, bearer_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from vendo.testing._http.messages import Json, Request, Response
    from vendo.testing._state.connections import Issued
    from vendo.testing._state.state import State

    Route: TypeAlias = Callable[["Target", Request, State], Response]

_API = "/api/"
_MINE = "/api/deployments/me/"


@dataclass(frozen=True, slots=True)
class Target:
    """The surface and the provider that a request is for.

    Attributes:
        surface: as `SeenRequest.surface`.
        slug: the provider that it concerns, or None.
        rest: the path below the surface's own address, percent-encoded.
        site: the origin of the server, as its clients know it.
    """

    surface: str
    slug: str | None
    rest: str
    site: str

    @property
    def is_open(self) -> bool:
        """True if pages of other sites may read the response."""
        return cors.is_open(self.surface, self.rest)

    def is_preflight(self, request: Request) -> bool:
        """Return True if a browser asks whether a page of another site may send a request."""
        return self.is_open and request.method == "OPTIONS"


def locate(request: Request, state: State, site: str) -> Target:
    """Return the target of a request, even of a malformed one."""
    path = request.path
    first, _, below = path.removeprefix("/").partition("/")
    if first == "credentials":
        slug = None if below == "_bulk" else unquote(below)
        return Target("credentials", slug, below, site)
    if first == "data-proxy":
        call = requested_action(request.body)
        return Target("data", state.actions.slug_of(call[0]) if call else None, f"/{below}", site)
    if first == "providers":
        slug, _, rest = below.partition("/")
        return Target("provider", unquote(slug), f"/{rest}", site)
    if path == f"{_MINE}events":
        return Target("events", None, path, site)
    if path.startswith(_API):
        return Target("api", _slug_of_api(path), path, site)
    return Target("pages", pages.slug_of(path), path, site)


def respond(target: Target, request: Request, state: State) -> Response:
    """Return the response of a Vendo backend, errors included."""
    if target.is_preflight(request):
        return cors.preflight()
    try:
        return _SURFACES[target.surface](target, request, state)
    except ApiError as error:
        return error.response(target.surface)


def _wrong_method(target: Target, *allowed: str) -> Response:
    response = error_response(target.surface, 405, None, "The path does not support this method.")
    response.headers["Allow"] = ", ".join(allowed)
    return response


def _not_found(target: Target) -> Response:
    return error_response(target.surface, 404, None, "Unknown path.")


def _slug_of_api(path: str) -> str | None:
    slug = path.removeprefix("/api/integrations/")
    return unquote(slug) if slug != path and slug else None


# The credentials worker


def _worker(target: Target, request: Request, state: State) -> Response:
    if request.method not in {"GET", "HEAD"}:
        return _wrong_method(target, "GET", "HEAD")
    only = state.scope_of(request.headers)
    user = user_of(request.headers.get("x-vendo-user-jwt"))
    if target.rest == "_bulk":
        return _bulk(request, state, only, user)
    if not target.slug or "/" in target.rest:
        return _not_found(target)
    issued = _issue(target.slug, state, only, user)
    return json_response({**_token(issued, state), "token_type": "Bearer"})


def _bulk(request: Request, state: State, only: str | None, user: str | None) -> Response:
    given = [part for part in request.query.split("&") if part.startswith("slugs=")]
    # Split first and decode then: a comma inside a slug is percent-encoded.
    slugs = [unquote(slug) for slug in given[-1].removeprefix("slugs=").split(",")] if given else []
    if not any(slugs):
        raise ApiError("validation_failed", "The query must name slugs: /_bulk?slugs=a,b,c")
    tokens: dict[str, Json] = {}
    for slug in slugs:
        try:
            tokens[slug] = _token(_issue(slug, state, only, user), state)
        except ApiError as error:
            if error.code == "validation_failed":
                raise
            tokens[slug] = None
    return json_response({"tokens": tokens})


def _issue(slug: str, state: State, only: str | None, user: str | None) -> Issued:
    try:
        malformed = checked_slug(slug) != slug
    except ValidationError:
        malformed = True
    if malformed:
        raise ApiError("validation_failed", "A slug has only lower-case letters, digits, - and _.")
    if only not in {None, slug}:
        raise ApiError("binding_missing", "This key is locked to another connection.", slug=slug)
    return state.connections.issue(slug, user)


def _token(issued: Issued, state: State) -> dict[str, Json]:
    expires_on = issued.expires_on
    return {
        "access_token": issued.text,
        "expires_at": None if expires_on is None else as_rfc3339(expires_on + state.clock_offset),
    }


# The platform API


def _platform(target: Target, request: Request, state: State) -> Response:
    path = target.rest
    if path.startswith(_MINE) and not _has_app_key(request, state):
        return _without_app_key(request)
    integration = path.startswith("/api/integrations/") and target.slug is not None
    route = _integration if integration else _PLATFORM.get(path)
    if route is None:
        return _not_found(target)
    if request.method not in {"GET", "HEAD"}:
        return _wrong_method(target, "GET", "HEAD")
    return route(target, request, state)


def _connections(target: Target, request: Request, state: State) -> Response:
    sandbox = request.parameters().get("sandbox") == "1"
    connections = state.connections.all()
    rows = [
        connection_row(
            connection,
            sandbox=sandbox,
            api_key=state.connection_key(connection.slug),
            base_url=f"{target.site}/providers/{connection.slug}",
            setup_url=links.setup_url(target.site, connection.slug, state),
        )
        for connection in connections
        if connection.status != "revoked"
    ]
    bound = {connection.slug for connection in connections}
    rows += [
        available_row(slug, links.setup_url(target.site, slug, state))
        for slug in state.connections.slugs()
        if slug not in bound
    ]
    return json_response({"connections": rows})


def _has_app_key(request: Request, state: State) -> bool:
    try:
        return state.scope_of(request.headers) is None
    except ApiError:
        return False


def _without_app_key(request: Request) -> Response:
    """Return the response of `/me/*`, which has no error code, to any other key or none."""
    is_key = bearer_of(request.headers).startswith(KEY_PREFIX)
    problem = "Invalid or revoked token" if is_key else "Missing or invalid Bearer token"
    return json_response({"error": {"message": problem}}, 401)


def _integrations(_target: Target, request: Request, state: State) -> Response:
    field = _slug_field(request, state)
    rows = [integration_row(slug, field) for slug in state.connections.slugs()]
    return json_response({"integrations": rows})


def _integration(target: Target, request: Request, state: State) -> Response:
    field = _slug_field(request, state)
    slug = target.slug or ""
    if not state.connections.is_supported(slug):
        raise ApiError("provider_unknown", "Unknown provider.", slug=slug)
    return json_response(integration_row(slug, field))


def _slug_field(request: Request, state: State) -> str:
    """Return the name of the field with the slug: it depends on whether the request has a key."""
    if "authorization" not in request.headers:
        return "provider"
    state.scope_of(request.headers)
    return "slug"


def _balance(target: Target, request: Request, state: State) -> Response:
    state.scope_of(request.headers)
    balance = state.wallet.balance
    top_up = f"{target.site}/#balance"
    return json_response(
        {"credits_remaining_micros": balance, "currency": "USD", "top_up_url": top_up}
    )


def _spend_caps(_target: Target, request: Request, state: State) -> Response:
    state.scope_of(request.headers)
    return json_response(state.wallet.caps())


def _usage(_target: Target, request: Request, state: State) -> Response:
    state.scope_of(request.headers)
    period = request.parameters().get("period", "month")
    if period not in {"day", "month"}:
        raise ApiError("validation_failed", "The period must be day or month.")
    return json_response(state.wallet.usage(period))


def _events(target: Target, request: Request, state: State) -> Response:
    if not _has_app_key(request, state):
        return _without_app_key(request)
    if request.method != "GET":
        return _wrong_method(target, "GET")
    return state.events.subscribe(request.headers.get("last-event-id"))


# The data proxy and the providers


def _data(target: Target, request: Request, state: State) -> Response:
    if target.rest != "/v1/execute":
        return _not_found(target)
    if request.method != "POST":
        return _wrong_method(target, "POST")
    only = state.scope_of(request.headers)
    return state.idempotency.respond(request, lambda: data_proxy.execute(request, state, only))


def _provider(target: Target, request: Request, state: State) -> Response:
    if not target.slug:
        return _not_found(target)
    response = fake_provider.respond(target.slug, target.rest, request, state)
    location = response.headers.get("Location", "")
    if location.startswith("/") and not location.startswith(("//", "/providers/")):
        # The root of a provider is not that of the server.
        response.headers["Location"] = f"/providers/{quote(target.slug, safe='')}{location}"
    return response


def _page(target: Target, request: Request, state: State) -> Response:
    return pages.respond(target.rest, request, state, target.site) or _not_found(target)


_PLATFORM: dict[str, Route] = {
    f"{_MINE}connections": _connections,
    "/api/integrations": _integrations,
    "/api/billing/balance": _balance,
    "/api/billing/spend-caps": _spend_caps,
    "/api/billing/usage": _usage,
}

_SURFACES: dict[str, Route] = {
    "credentials": _worker,
    "api": _platform,
    "events": _events,
    "data": _data,
    "provider": _provider,
    "pages": _page,
}
