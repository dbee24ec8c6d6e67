"""The user who sent a request: the client that acts for them, and what responses vary on."""

from __future__ import annotations

from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any, TypeAlias, TypeVar

from vendo import sso
from vendo._protocol.headers import JWT_HEADER
from vendo._protocol.secret import Secret, SecretBytes, WireSecret
from vendo.errors import IdentityNotPresent, ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._client.base import BaseClient

_Client = TypeVar("_Client", bound="BaseClient")
#: A WSGI environ, or the pairs of bytes of an ASGI scope.
SentHeaders: TypeAlias = Mapping[str, Any] | Sequence[tuple[bytes, bytes]]

#: The header's name in a WSGI environ, and in an ASGI scope.
JWT_ENVIRON_KEY = "HTTP_" + JWT_HEADER.upper().replace("-", "_")
#: What a response that was made for a user depends on, for its `Vary`. A cache in front of the
#: platform's proxy sees the cookie alone.
VARY_ON_IDENTITY = ("Cookie", *sso.IDENTITY_HEADERS)
VARY_ON_CLIENT = ("Cookie", JWT_HEADER)
_JWT_NAME = JWT_HEADER.lower().encode()


class HeaderBytes(SecretBytes):
    """The bytes of a header with a secret. Decoding them gives a text that is masked too."""

    __slots__ = ()

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Return the text, which shows a mask in its `repr` alone."""
        text = Secret(super().decode(encoding, errors))
        return WireSecret(text, text)


def mask_jwt(environ: MutableMapping[str, Any]) -> None:
    """Mask the user's JWT in the `repr` of a WSGI environ and its headers.

    Error reporters and debug pages show them. Code that reads the header gets the same text.

    Args:
        environ: the WSGI environ of a request, which is changed.

    Example:
        ```python
        from vendo.web import JWT_ENVIRON_KEY, mask_jwt

        environ = {JWT_ENVIRON_KEY: "header.payload.signature"}
        mask_jwt(environ)
        print(environ)
        ```
    """
    jwt = environ.get(JWT_ENVIRON_KEY)
    if jwt is not None:
        environ[JWT_ENVIRON_KEY] = WireSecret(jwt, Secret(jwt))


def mask_jwt_of_scope(scope: MutableMapping[str, Any]) -> None:
    """Mask the user's JWT in the `repr` of an ASGI scope.

    Args:
        scope: the ASGI scope of a request, which is changed.

    Example:
        ```python
        from vendo.web import JWT_HEADER, mask_jwt_of_scope

        scope = {"headers": [(JWT_HEADER.lower().encode(), b"header.payload.signature")]}
        mask_jwt_of_scope(scope)
        print(scope)
        ```
    """
    headers = scope.get("headers", ())
    if not isinstance(headers, list):
        headers = scope["headers"] = list(headers)
    for present, _ in headers:  # each request does this, and a plain loop is the fastest
        if present == _JWT_NAME:
            break
    else:
        return
    # In the list itself, which a request's `headers` shares once they were read.
    headers[:] = [
        (name, HeaderBytes(value) if name == _JWT_NAME else value) for name, value in headers
    ]


def user_jwts(headers: SentHeaders) -> list[Secret]:
    """Return the user's JWT out of a request's headers, as often as it was sent.

    Args:
        headers: a WSGI environ, or the pairs of bytes of an ASGI scope.

    Returns:
        The JWTs, usually one or none.

    Example:
        ```python
        from vendo.web import JWT_ENVIRON_KEY, user_jwts

        print(user_jwts({JWT_ENVIRON_KEY: "header.payload.signature"}))  # ['***']
        ```
    """
    if isinstance(headers, Mapping):
        found = headers.get(JWT_ENVIRON_KEY)
        return [] if found is None else [Secret(found)]
    return [Secret(value.decode("latin-1")) for name, value in headers if name.lower() == _JWT_NAME]


def identity_body(headers: object, *, trust_wsgi_headers: bool | None = None) -> dict[str, str]:
    """Return the JSON body about the signed-in user, of a request that must have one. Both modes.

    Args:
        headers: the request's headers, as for `sso.identity_response`.
        trust_wsgi_headers: as for `sso.identity_response`.

    Returns:
        The body of `sso.identity_response`.

    Raises:
        IdentityNotPresent: no user is signed in, or the platform's proxy is not in front.

    Example:
        ```python
        from vendo import IdentityNotPresent
        from vendo.web import identity_body

        try:
            identity_body({})
        except IdentityNotPresent as error:
            print(error)
        ```
    """
    body = sso.identity_response(headers, trust_wsgi_headers=trust_wsgi_headers)
    if not body:
        raise IdentityNotPresent(
            "identity_not_present",
            "Not signed in: the request has no user.",
            suggested_fix="Check that VENDO_AUTH is 1, and that the request came through the "
            "platform's proxy, which signs users in.",
        )
    return body


def client_for_user(client: _Client, jwts: Sequence[Secret]) -> _Client:
    """Return the client that acts for a request's user. Both modes.

    Args:
        client: the application's client. It is returned without a JWT, and in OSS mode. So is a
            mock of `unittest`, whose `is_vendo_mode()` is not True: it is every user's client.
        jwts: see `user_jwts`.

    Returns:
        A client that shares the connections of `client`, or `client` itself.

    Raises:
        IdentityNotPresent: several JWTs contradict each other, or one is malformed.

    Example:
        ```python
        import vendo
        from vendo.web import client_for_user, user_jwts

        client = vendo.Vendo()
        print(client_for_user(client, user_jwts({})) is client)  # True: the request has no user
        ```
    """
    if not any(jwt.strip() for jwt in jwts) or client.is_vendo_mode() is not True:
        return client
    try:
        return client.for_request([(JWT_HEADER, jwt) for jwt in jwts])
    except ValidationError as error:  # of the sender, not of this program
        raise IdentityNotPresent(
            "identity_not_present", error.message, suggested_fix=error.suggested_fix
        ) from None
