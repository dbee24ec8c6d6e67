"""The signed-in user of a request, behind the platform's proxy. Both modes.

The proxy adds the headers of the signed-in user to each request, and removes headers of the same
names that a browser sent (wire contract, "Identity headers"). They are not signed: without the
proxy, any client could send them. So they are read only if `VENDO_AUTH` is `1`, which the platform
sets where the proxy is in front.
"""

from __future__ import annotations

from typing import Final

import vendo
from vendo._config import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.headers import RequestHeaders

__all__ = [
    "IDENTITY_ENDPOINT_PATH",
    "IDENTITY_HEADERS",
    "dashboard_url",
    "identity_from_headers",
    "identity_response",
    "is_enabled",
    "logout_url",
]

IDENTITY_ENDPOINT_PATH: Final = "/api/vendo/identity"
"""The path where an application serves `identity_response`, for its pages and the platform's."""

IDENTITY_HEADERS: Final = (
    "X-Vendo-User-Id",
    "X-Vendo-User-Email",
    "X-Vendo-User-Name",
    "X-Vendo-Tenant-Id",
    "X-Vendo-Role",
)
"""The headers that name a user, for `Vary`."""

#: The roles of the wire contract.
_ROLES = frozenset({"owner", "member", "viewer"})
#: The servers that were logged, each once.
_logged: set[str] = set()

_LOGOUT_PATH = "/__vendo/auth/logout"
_DASHBOARD_URL = "https://vendo.run/dashboard"


def is_enabled() -> bool:
    """Return True if the platform's proxy signs users in: `VENDO_AUTH` is `1`. Both modes.

    Returns:
        True behind the proxy, False elsewhere.

    Raises:
        ValidationError: the variable contains a control character.

    Example:
        ```python
        from vendo import sso

        print("signed in by Vendo" if sso.is_enabled() else "a login of your own")
        ```
    """
    return environment.AUTH.get() == "1"


def identity_from_headers(
    headers: object, *, trust_wsgi_headers: bool | None = None
) -> vendo.VendoIdentity | None:
    """Return the signed-in user of a request. Both modes.

    Args:
        headers: any mapping of headers, a `Headers` or `MultiDict` object, a list of pairs, or a
            WSGI environ. The case of names does not matter. In Django pass `request.META`.
        trust_wsgi_headers: True where the WSGI server, or a proxy in front of it, drops header
            names with underscores. By default `VENDO_TRUST_WSGI_HEADERS=1` decides. gunicorn,
            waitress, Werkzeug, gevent and mod_wsgi are known to drop them.

    Returns:
        The user, whose name may be empty, or None. It is None if `is_enabled()` is False, whatever
        the headers; if user id, mail address, tenant or role is missing, blank or malformed; if two
        headers of the same name have different values; and if a WSGI server may have read
        `X_Vendo_User_Id` as `X-Vendo-User-Id`, which a log record then reports once.

    Raises:
        ValidationError: `headers` is of another type, or a value is not a text.

    Example:
        ```python
        from vendo import sso

        user = sso.identity_from_headers({"X-Vendo-User-Id": "user_1"})
        print("anonymous" if user is None else user.email)
        ```
    """
    if not is_enabled():
        return None
    from vendo._protocol.headers import ContradictoryHeaders, RequestHeaders  # behind a proxy only

    if not _is_trusted(headers, trust_wsgi_headers):
        return None
    headers = RequestHeaders(headers)
    try:
        user_id, email, name, tenant_id, role = [_text(headers, name) for name in IDENTITY_HEADERS]
    except ContradictoryHeaders:
        return None
    if not (_is_plain(user_id) and _is_plain(email) and _is_plain(tenant_id)):
        return None
    if role not in _ROLES or environment.has_control_character(name):
        return None
    return vendo.VendoIdentity(user_id, email, name, tenant_id, role)


def _is_plain(value: str) -> bool:
    # A comma is what a server joins several headers with.
    return bool(value) and value.isprintable() and "," not in value


def _is_trusted(headers: object, trust_wsgi_headers: bool | None) -> bool:
    from vendo._protocol.wsgi_servers import merging_server

    server = merging_server(headers)
    if server is None or trust_wsgi_headers:
        return True
    if trust_wsgi_headers is None and environment.TRUST_WSGI_HEADERS.get() == "1":
        return True
    if server not in _logged:
        from vendo._protocol.log import visible

        _logged.add(server)
        visible.warning(
            "%s may read the header X_Vendo_User_Id as X-Vendo-User-Id, which a client could forge:"
            " no user is signed in. Use gunicorn, waitress, Werkzeug, gevent, mod_wsgi or an ASGI"
            " server, and in Django pass request.META. If the server drops header names with"
            " underscores, set VENDO_TRUST_WSGI_HEADERS=1.",
            server,
        )
    return False


def identity_response(headers: object, *, trust_wsgi_headers: bool | None = None) -> dict[str, str]:
    """Return the JSON object that an application serves at `IDENTITY_ENDPOINT_PATH`. Both modes.

    Args:
        headers: as for `identity_from_headers`.
        trust_wsgi_headers: as for `identity_from_headers`.

    Returns:
        The fields `user_id`, `email`, `name`, `tenant_id`, `role`, `logout_url` and
        `dashboard_url`. Empty where `identity_from_headers` returns None.

    Raises:
        ValidationError: as for `identity_from_headers`.

    Example:
        ```python
        from vendo import sso

        print(sso.identity_response({"X-Vendo-User-Id": "user_1"}))
        ```
    """
    identity = identity_from_headers(headers, trust_wsgi_headers=trust_wsgi_headers)
    if identity is None:
        return {}
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
    """Return the path where a user signs out. Both modes.

    Returns:
        A path of the application's own host. The platform's proxy serves it.

    Example:
        ```python
        from vendo import sso

        link = f'<a href="{sso.logout_url()}">Sign out</a>'
        ```
    """
    return _LOGOUT_PATH


def dashboard_url() -> str:
    """Return the address of the platform's dashboard. Both modes.

    Returns:
        The absolute address.

    Example:
        ```python
        from vendo import sso

        print(sso.dashboard_url())
        ```
    """
    return _DASHBOARD_URL


def _text(headers: RequestHeaders, name: str) -> str:
    found = headers.get(name)
    value = "" if found is None else found.reveal()
    # Frameworks decode headers as Latin-1, and the proxy sends UTF-8. Decode before stripping: a
    # byte of a letter may look like white space.
    if not value.isascii():
        try:
            value = value.encode("latin-1").decode()
        except UnicodeError:
            pass  # the framework has decoded it, or it is Latin-1
    return value.strip()
