"""Responses of the fake providers that a test sets."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urlsplit

from vendo._catalog import catalog
from vendo._config.slugs import checked_slug
from vendo.errors import ValidationError
from vendo.testing._http.messages import Response

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_WITHOUT_BODY = frozenset({204, 304})
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
#: Headers that the server itself sets.
_FRAMING = frozenset({"connection", "content-length", "date", "transfer-encoding"})


class Responses:
    """The responses by provider, method and path. Any query matches."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._by_request: dict[tuple[str, str, str], Response] = {}

    def put(self, slug: str, method: str, path: str, response: Response) -> None:
        """Set a response. It replaces an earlier one.

        Raises:
            TypeError: an argument has the wrong type.
            ValueError: the slug, method or path is malformed.
        """
        slug = _checked_slug(slug)
        key = slug, _checked_method(method), below_base(slug, _checked_path(path))
        with self._lock:
            self._by_request[key] = response

    def get(self, slug: str, method: str, path: str) -> Response | None:
        """Return a new response for a request, or None. A HEAD may have that of a GET."""
        path = below_base(slug, path)
        with self._lock:
            found = self._by_request.get((slug, method, path))
            if found is None and method == "HEAD":
                found = self._by_request.get((slug, "GET", path))
        return found and Response(found.status, found.body, dict(found.headers))


def below_base(slug: str, path: str) -> str:
    """Return a decoded path without the path of the provider's base URL.

    A client may have either in its base URL.
    """
    path = unquote(path)
    provider = catalog.provider(slug)
    base = urlsplit((provider and provider.base_url) or "").path
    return path.removeprefix(base) if base and path.startswith(f"{base}/") else path


def response_of(status: int, body: Any, headers: Mapping[str, str] | None) -> Response:
    """Return the response with this status, body and headers.

    Raises:
        TypeError: an argument has the wrong type.
        ValueError: the status or a header is malformed, or the body cannot be written as JSON.
    """
    if not isinstance(status, int) or isinstance(status, bool):
        raise TypeError(f"status must be an int, not {type(status).__name__}.")
    if not 200 <= status <= 599:
        raise ValueError(f"status must be between 200 and 599, not {status}.")
    if status in _WITHOUT_BODY and body is not None:
        raise ValueError(f"A response with status {status} has no body: body must be None.")
    given = _checked_headers(headers)
    content, kind = _written(body)
    if kind and "content-type" not in map(str.lower, given):
        given["Content-Type"] = kind
    return Response(status, content, given)


def _written(body: Any) -> tuple[bytes, str | None]:
    if body is None:
        return b"", None
    if isinstance(body, str):
        try:
            return body.encode(), "text/plain; charset=utf-8"
        except UnicodeEncodeError:
            raise ValueError("body must be text that UTF-8 can encode.") from None
    if isinstance(body, bytes):
        return body, None
    if not isinstance(body, (dict, list)):
        raise TypeError(f"body must be a dict, list, str, bytes or None, not {_name(body)}.")
    try:
        text = json.dumps(body, separators=(",", ":"), allow_nan=False)
    except TypeError as error:
        raise TypeError(f"body cannot be written as JSON: {error}.") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"body cannot be written as JSON: {error}.") from None
    return text.encode(), "application/json"


def _checked_slug(slug: str) -> str:
    if not isinstance(slug, str):
        raise TypeError(f"slug must be a str, not {_name(slug)}.")
    try:
        return checked_slug(slug)
    except ValidationError:
        raise ValueError(f"slug must be letters, digits, - and _, not {slug!r}.") from None


def _checked_method(method: str) -> str:
    if not isinstance(method, str):
        raise TypeError(f"method must be a str, not {_name(method)}.")
    if method.upper() not in _METHODS:
        raise ValueError(f"method must be one of {', '.join(_METHODS)}, not {method!r}.")
    return method.upper()


def _checked_path(path: str) -> str:
    if not isinstance(path, str):
        raise TypeError(f"path must be a str, not {_name(path)}.")
    if not path.startswith("/"):
        raise ValueError(f"path must begin with /, not {path!r}.")
    if "?" in path or "#" in path:
        raise ValueError("path must not have a query or a fragment: any query matches.")
    return path


def _checked_headers(headers: Mapping[str, str] | None) -> dict[str, str]:
    if headers is None:
        return {}
    if not isinstance(headers, Mapping):
        raise TypeError(f"headers must be a mapping, not {_name(headers)}.")
    for name, value in headers.items():
        if not isinstance(name, str) or not isinstance(value, str):
            raise TypeError("headers must have names and values of type str.")
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"headers must have names of HTTP, not {name!r}.")
        if name.lower() in _FRAMING:
            raise ValueError(f"headers must not have {name}, which the server sets itself.")
        if any(character in value for character in "\r\n\0"):
            raise ValueError(f"The header {name} must be one line.")
    return dict(headers)


def _name(value: object) -> str:
    return type(value).__name__
