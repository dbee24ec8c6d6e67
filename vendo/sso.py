"""Who is signed in, where the platform's proxy is in front of an application. Both modes.

The proxy writes the headers of the signed-in person into each request, and takes out what a
browser sent under those names (wire contract, "Identity headers"). They are not signed: without
the proxy anybody can send them. So they are read only where `VENDO_AUTH` is `1`, which is how the
platform says that the proxy is there; nothing here believes headers alone.
"""

from __future__ import annotations

from typing import Final

from vendo._config import environment
from vendo._protocol.headers import ContradictoryHeaders, RequestHeaders
from vendo._protocol.models import VendoIdentity
from vendo.errors import IdentityNotPresent

__all__ = [
    "IDENTITY_ENDPOINT_PATH",
    "dashboard_url",
    "identity_from_headers",
    "identity_response",
    "is_enabled",
    "logout_url",
]

#: Where an application serves `identity_response`, for its own pages and the platform's.
IDENTITY_ENDPOINT_PATH: Final = "/api/vendo/identity"

_LOGOUT_PATH = "/__vendo/auth/logout"
_DASHBOARD_URL = "https://vendo.run/dashboard"


def is_enabled() -> bool:
    """True where the platform's proxy is in front and signs people in: `VENDO_AUTH` is `1`.

    Raises:
        ValidationError: the variable has a control character inside.
    """
    return environment.AUTH.get() == "1"


def identity_from_headers(headers: object) -> VendoIdentity | None:
    """The person who is signed in, or None where nobody is.

    None too where `is_enabled()` is False, whatever the headers say; where one of user id, mail
    address, tenant and role is missing or blank; and where two headers of one name contradict
    each other. The name of a person may be empty.

    Args:
        headers: any mapping of headers, a `Headers` or `MultiDict` object, a list of pairs, or a
            WSGI environ; upper and lower case are the same.

    Raises:
        ValidationError: `headers` is nothing of the kind, or a value is no text.
    """
    if not is_enabled():
        return None
    headers = RequestHeaders(headers)
    try:
        user_id = _text(headers, "X-Vendo-User-Id")
        email = _text(headers, "X-Vendo-User-Email")
        name = _text(headers, "X-Vendo-User-Name")
        tenant_id = _text(headers, "X-Vendo-Tenant-Id")
        role = _text(headers, "X-Vendo-Role")
    except ContradictoryHeaders:
        return None
    if not (user_id and email and tenant_id and role):
        return None
    return VendoIdentity(user_id, email, name, tenant_id, role)


def identity_response(headers: object) -> dict[str, str]:
    """What an application answers at `IDENTITY_ENDPOINT_PATH`, to be sent as JSON.

    The keys are `user_id`, `email`, `name`, `tenant_id`, `role`, `logout_url`, `dashboard_url`.

    Args:
        headers: as for `identity_from_headers`.

    Raises:
        IdentityNotPresent: nobody is signed in, or the platform's proxy is not in front.
        ValidationError: `headers` holds no headers.
    """
    identity = identity_from_headers(headers)
    if identity is None:
        raise IdentityNotPresent(
            "identity_not_present",
            "The request names no signed-in person."
            if is_enabled()
            else "Identity headers mean nothing here: VENDO_AUTH is not 1.",
            suggested_fix="The platform's proxy sets them, and VENDO_AUTH=1 in a deployment that "
            "is behind it: check that the request came through it and that a person is signed in.",
        )
    return {
        "user_id": identity.user_id,
        "email": identity.email,
        "name": identity.name,
        "tenant_id": identity.tenant_id,
        "role": identity.role,
        "logout_url": logout_url(),
        "dashboard_url": dashboard_url(),
    }


def logout_url() -> str:
    """Where a person signs out: a path on the application's own host, which the proxy answers."""
    return _LOGOUT_PATH


def dashboard_url() -> str:
    """The platform's dashboard."""
    return _DASHBOARD_URL


def _text(headers: RequestHeaders, name: str) -> str:
    found = headers.get(name)
    value = "" if found is None else found.reveal()
    # Header bytes reach Python as Latin-1, and a name such as José is sent as UTF-8. Decoded
    # before it is stripped: a byte of a letter may look like white space.
    if not value.isascii():
        try:
            value = value.encode("latin-1").decode()
        except UnicodeError:
            pass  # a framework that decoded it, or real Latin-1
    return value.strip()
