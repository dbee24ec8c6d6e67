"""Read one header of a request, from the headers of any framework."""

from __future__ import annotations

from vendo._protocol.secret import Secret
from vendo.errors import ValidationError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: The header of a user's JWT, from the platform's proxy and to the backend.
JWT_HEADER = "X-Vendo-User-JWT"

#: What a CGI-like environ contains beside headers (RFC 3875, section 4.1).
_CGI_NAMES = frozenset(
    {
        "AUTH_TYPE",
        "CONTENT_LENGTH",
        "CONTENT_TYPE",
        "GATEWAY_INTERFACE",
        "PATH_INFO",
        "PATH_TRANSLATED",
        "QUERY_STRING",
        "REMOTE_ADDR",
        "REMOTE_HOST",
        "REMOTE_IDENT",
        "REMOTE_PORT",
        "REMOTE_USER",
        "REQUEST_METHOD",
        "SCRIPT_NAME",
        "SERVER_NAME",
        "SERVER_PORT",
        "SERVER_PROTOCOL",
        "SERVER_SOFTWARE",
    }
)


class ContradictoryHeaders(ValidationError):
    """A header has several values, which differ."""


class RequestHeaders:
    """The headers of a request. Its `repr` shows none of them, since one may be a user's JWT.

    Args:
        headers: any mapping, a `Headers` or `MultiDict` object, a list of pairs, or a WSGI
            environ. The case of names does not matter. Names and values may be bytes, and a value
            may be a list of values.
    """

    __slots__ = ("_headers",)

    def __init__(self, headers: object) -> None:
        self._headers = headers

    def get(self, name: str) -> Secret | None:
        """Return the value of a header as it was sent, or None if it is missing.

        Raises:
            ContradictoryHeaders: the header has several values, which differ.
            ValidationError: the headers are of another type, or a value is not a text.
        """
        values = _values(self._headers, name)
        if isinstance(values, ValidationError):
            raise values
        if any(value != values[0] for value in values):
            raise ContradictoryHeaders(
                "validation_failed",
                f"The request has several {name} headers with different values.",
                suggested_fix="Find out what adds the second one: a proxy, or the sender.",
            )
        return values[0] if values else None


def _values(headers: object, name: str) -> list[Secret] | ValidationError:
    """Return all values of a header, or an error, since a traceback would show all headers."""
    values = _raw_values(headers, name)
    if values is None:
        return invalid(
            f"An object of type {type(headers).__name__} is not a collection of headers.",
            fix="Pass request.headers, the WSGI environ, or a list of pairs.",
        )
    texts: list[Secret] = []
    for value in values:
        for part in value if isinstance(value, list | tuple) else (value,):
            if isinstance(part, str):
                texts.append(Secret(part))
            elif isinstance(part, bytes):
                texts.append(Secret(part.decode("latin-1")))
            else:
                return invalid(
                    f"The header {name} must be a str, not a value of type {type(part).__name__}."
                )
    return texts


def _raw_values(headers: object, name: str) -> list[object] | None:
    if isinstance(headers, dict) and _is_environ(headers):
        key = f"HTTP_{name.upper().replace('-', '_')}"
        return [headers[key]] if key in headers else []
    pairs = _pairs(headers)
    if pairs is None:
        return None
    wanted = (name.lower(), name.lower().encode())
    values: list[object] = []
    for pair in pairs:
        try:
            key, value = pair
        except (TypeError, ValueError):
            return None
        if isinstance(key, str | bytes) and key.lower() in wanted:
            values.append(value)
    return values


def _is_environ(headers: dict[Any, Any]) -> bool:
    """True if the names of headers are written as `HTTP_X_VENDO_…`.

    The sender of a request must not be able to choose: among headers as they were sent, one with
    the name `HTTP_X_VENDO_USER_ID` is a forgery. So a real environ is recognised by values that no
    header has, and a handmade one by having only names that an environ has.
    """
    if isinstance(headers.get("wsgi.multithread"), bool) or hasattr(
        headers.get("wsgi.input"), "read"
    ):
        return True
    return bool(headers) and all(
        isinstance(key, str) and (key.startswith("HTTP_") or key in _CGI_NAMES) for key in headers
    )


def _pairs(headers: object) -> Iterable[Any] | None:
    if isinstance(headers, list | tuple):
        return headers
    # `items` of a multi-value mapping drops values or joins them; the other two do not.
    for method in ("multi_items", "lists", "items"):
        pairs = getattr(headers, method, None)
        if callable(pairs) and not isinstance(headers, type):
            return pairs()  # type: ignore[no-any-return]  # each pair is checked above
    return None
