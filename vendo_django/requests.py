"""What a request brings along: the client of its person, and who that is."""

from __future__ import annotations

from django.http import HttpRequest

from vendo.web import JWT_HEADER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from vendo import AsyncVendo, Vendo, VendoIdentity

    _Client = TypeVar("_Client", Vendo, AsyncVendo)

#: The header as it stands in `request.META`.
JWT_KEY = "HTTP_" + JWT_HEADER.upper().replace("-", "_")
_JWT_NAME = JWT_HEADER.lower().encode()


class VendoHttpRequest(HttpRequest):
    """A request as it leaves `VendoMiddleware`, for annotations.

    Attributes:
        vendo: the client, scoped to the person whose JWT the request carries, if it does.
        vendo_identity: the person who is signed in; None where nobody is, and always None where the
            platform's proxy is not in front (`VENDO_AUTH=1`).
    """

    vendo: Vendo
    vendo_identity: VendoIdentity | None


def sent_headers(request: HttpRequest) -> object:
    """The headers that say who a request is from, as they were sent.

    Under ASGI older releases of Django read `x_vendo_user_id` as `X-Vendo-User-Id`. A proxy that
    strips the one lets the other pass, so that it must not count. Servers of WSGI leave such names
    out by themselves.
    """
    return list(request.scope["headers"]) if hasattr(request, "scope") else request.META


def scoped(client: _Client, request: HttpRequest) -> _Client:
    """The client for a request: the person's where it carries a JWT, else the one given."""
    if client.is_vendo_mode() and _has_jwt(request):
        return client.for_request(sent_headers(request))
    return client


def _has_jwt(request: HttpRequest) -> bool:
    if hasattr(request, "scope"):
        return any(
            name.lower() == _JWT_NAME and value.strip() for name, value in request.scope["headers"]
        )
    return bool(request.META.get(JWT_KEY, "").strip())
