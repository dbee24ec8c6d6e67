"""One header out of a request's headers, in whichever form a framework has them."""

from __future__ import annotations

from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

#: What a CGI-like environ holds beside headers (RFC 3875, section 4.1).
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
    """A header is there several times, with different values."""


def read_header(headers: object, name: str) -> str | None:
    """The value of a header as it was sent, or None where there is none.

    Args:
        headers: any mapping, a `Headers` or `MultiDict` object, a list of pairs, or a WSGI
            environ. Names are the same in upper and lower case. Names and values may be bytes,
            and a value may be a list of values.
        name: the header, such as `X-Vendo-User-Id`.

    Raises:
        ContradictoryHeaders: the header is there several times with different values, and nobody
            can tell which one is meant.
        ValidationError: `headers` is nothing of the kind, or a value is no text.
    """
    values = _values(headers, name)
    first = next(values, None)
    for value in values:
        if value != first:
            raise ContradictoryHeaders(
                "validation_failed",
                f"The request has several {name} headers that contradict each other.",
                suggested_fix="Find out what adds the second one: a proxy, or whoever sent it.",
            )
    return first


def _values(headers: object, name: str) -> Iterator[str]:
    if isinstance(headers, dict) and _is_environ(headers):
        key = f"HTTP_{name.upper().replace('-', '_')}"
        if key in headers:
            yield from _texts(headers[key], name)
        return
    wanted = name.lower()
    raw = wanted.encode()
    for pair in _pairs(headers):
        try:
            key, value = pair
        except (TypeError, ValueError):
            raise _no_headers(headers) from None
        if isinstance(key, str):
            if key.lower() == wanted:
                yield from _texts(value, name)
        elif isinstance(key, bytes) and key.lower() == raw:
            yield from _texts(value, name)


def _is_environ(headers: dict[Any, Any]) -> bool:
    """Whether header names stand there as `HTTP_X_VENDO_…`.

    It must not hang on anything that the sender of a request can choose: among headers as they
    were sent, one with the name `HTTP_X_VENDO_USER_ID` is a forgery. So a real environ is known by
    values that no header has, and a handmade one by having no name that an environ has not.
    """
    if isinstance(headers.get("wsgi.multithread"), bool) or hasattr(
        headers.get("wsgi.input"), "read"
    ):
        return True
    return bool(headers) and all(
        isinstance(key, str) and (key.startswith("HTTP_") or key in _CGI_NAMES) for key in headers
    )


def _pairs(headers: object) -> Iterable[Any]:
    if isinstance(headers, list | tuple):
        return headers
    # `items` of a multi-value mapping leaves values out or joins them; these two do not.
    for method in ("multi_items", "lists", "items"):
        pairs = getattr(headers, method, None)
        if callable(pairs) and not isinstance(headers, type):
            return pairs()  # type: ignore[no-any-return]  # whatever it is, each pair is looked at
    raise _no_headers(headers)


def _texts(value: object, name: str) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, bytes):
        yield value.decode("latin-1")
    elif isinstance(value, list | tuple):
        for part in value:
            if not isinstance(part, str | bytes):
                raise _no_text(part, name)
            yield from _texts(part, name)
    else:
        raise _no_text(value, name)


def _no_text(value: object, name: str) -> ValidationError:
    return ValidationError(
        "validation_failed",
        f"The value of the header {name} is of type {type(value).__name__}, and a header is text.",
    )


def _no_headers(headers: object) -> ValidationError:
    return ValidationError(
        "validation_failed",
        f"An object of type {type(headers).__name__} is no collection of headers.",
        suggested_fix="Give the request's headers (request.headers), its WSGI environ, or a list "
        "of pairs.",
    )
