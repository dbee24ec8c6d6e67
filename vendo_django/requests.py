"""What a request brings along: the client of its person, and who that is."""

from __future__ import annotations

from typing import Any, TypeAlias, TypeVar

from django.http import HttpRequest

from vendo import AsyncVendo, Vendo, VendoError, VendoIdentity
from vendo.web import JWT_HEADER

#: A WSGI environ, or pairs of bytes as a server of ASGI hands them on.
_Headers: TypeAlias = dict[str, Any] | list[tuple[bytes, bytes]]
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


def sent_headers(request: HttpRequest) -> _Headers:
    """The headers that say who a request is from, as they were sent.

    Under ASGI older releases of Django read `x_vendo_user_id` as `X-Vendo-User-Id`. A proxy that
    strips the one lets the other pass, so that it must not count. Servers of WSGI leave such names
    out by themselves.
    """
    return list(request.scope["headers"]) if hasattr(request, "scope") else request.META


def scoped(client: _Client, headers: _Headers) -> _Client:
    """The client for a request with these headers: the person's where they carry a JWT.

    Raises:
        ValidationError: several JWTs that contradict each other, or one that is malformed.
    """
    found = _jwt_in(headers)
    del headers  # reports of errors show the variables of every frame
    try:
        if any(jwt.strip() for _, jwt in found) and client.is_vendo_mode():
            return client.for_request(found)
    except VendoError as error:
        del found
        raise error.with_traceback(None) from None
    return client


def _jwt_in(headers: _Headers) -> list[tuple[Any, Any]]:
    if isinstance(headers, dict):
        # Out of the mask, in which each look at it takes its time.
        return [(JWT_HEADER, str.__str__(headers[JWT_KEY]))] if JWT_KEY in headers else []
    return [header for header in headers if header[0].lower() == _JWT_NAME]
