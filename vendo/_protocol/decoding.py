"""Decode a response: JSON within bounds, and its fields by name and type."""

from __future__ import annotations

import json

from vendo.errors import UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    from vendo._protocol.steps import Response

    _T = TypeVar("_T")

MAX_BYTES = 10 * 1024 * 1024
_LONGEST_ADDRESS = 8192


def malformed(problem: str, response: Response | None = None) -> UpstreamError:
    """Make the error for a malformed response. It contains nothing of the body."""
    return UpstreamError(
        "upstream_error",
        f"The backend's response {problem}.",
        status=response.status if response is not None else None,
        suggested_fix="Run python -m vendo doctor. It shows whether VENDO_BASE_URL and "
        "VENDO_CREDENTIALS_URL are addresses of a Vendo backend, or a proxy responds in its place.",
    )


def too_large(response: Response | None = None) -> UpstreamError:
    """Make the error for a response of more than `MAX_BYTES`."""
    return malformed(f"is larger than {MAX_BYTES >> 20} MiB", response)


def decode_json(response: Response) -> Any:
    """Decode the JSON of a response.

    Raises:
        UpstreamError: empty, over 10 MiB once decompressed, not JSON, or nested too deep.
    """
    body = response.body
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        body = _decompressed(response)
    if not body:
        raise malformed("is empty", response)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    # Outside the handler: the decoder's error contains the whole document, and would be the
    # `__context__` of this one.
    raise malformed("is not JSON", response)


def _decompressed(response: Response) -> bytes:
    import zlib  # the request asks for no compression, but a proxy may compress

    decompressor = zlib.decompressobj(wbits=47)
    try:
        body = decompressor.decompress(response.body, MAX_BYTES + 1)
    except zlib.error:
        raise malformed("is compressed in an unknown format", response) from None
    if len(body) > MAX_BYTES:
        raise too_large(response)
    return body


def web_address(value: object) -> str | None:
    """Return an address that a page may link to, unchanged; None for any other value.

    It is one of http or https with a host and without a user, in printable ASCII: browsers skip
    control characters and white space in an address, and read a backslash as a slash.
    """
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS:
        return None
    if not value.isascii() or not value.isprintable() or " " in value or "\\" in value:
        return None
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    is_of_web = parts.scheme in {"http", "https"}
    return value if is_of_web and host and "@" not in parts.netloc else None


class Fields:
    """A JSON object. Its fields are read by name and type.

    An optional field that is missing or null is None. A field of the wrong type raises an
    `UpstreamError` that contains its name, and not its value.
    """

    __slots__ = ("_data", "_what")

    def __init__(self, data: object, what: str) -> None:
        if not isinstance(data, dict):
            raise malformed(f"has no {what} object")
        self._data: Mapping[str, Any] = data
        self._what = what

    def optional(self, name: str, kind: type[_T]) -> _T | None:
        value = self._data.get(name)
        if value is None:
            return None
        # bool is a subclass of int.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise malformed(
                f"has a {self._what} with an invalid {name} (it must be a {kind.__name__})"
            )
        return value

    def required(self, name: str, kind: type[_T]) -> _T:
        value = self.optional(name, kind)
        if value is None:
            raise malformed(f"has a {self._what} without {name}")
        return value

    def address(self, name: str) -> str | None:
        """Return an address for a link, or None where there is none or a browser would run it."""
        return web_address(self.optional(name, str))

    def strings(self, name: str) -> tuple[str, ...]:
        """Return a list of strings as a tuple, empty if the field is missing."""
        values = self.optional(name, list) or []
        if not all(isinstance(value, str) for value in values):
            raise malformed(
                f"has a {self._what} with an invalid {name} (it must be a list of strings)"
            )
        return tuple(values)
