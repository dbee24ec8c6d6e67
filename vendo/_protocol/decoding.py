"""Reading an answer: JSON within bounds, and a typed look at each field of it."""

from __future__ import annotations

import json
import zlib

from vendo.errors import UpstreamError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, TypeVar

    from vendo._protocol.steps import Response

    _T = TypeVar("_T")

MAX_BYTES = 10 * 1024 * 1024


def malformed(problem: str, response: Response | None = None) -> UpstreamError:
    """The error for an answer that is no answer. It repeats nothing of the body."""
    return UpstreamError(
        "upstream_error",
        f"The backend's answer {problem}.",
        status=response.status if response is not None else None,
        suggested_fix="Check that VENDO_BASE_URL and VENDO_CREDENTIALS_URL name a Vendo backend, "
        "and that no proxy answers in its place; python -m vendo doctor shows both.",
    )


def decode_json(response: Response) -> Any:
    """The JSON value of an answer.

    Raises:
        UpstreamError: empty, over 10 MiB once unpacked, not JSON, or nested too deep.
    """
    body = response.body
    if response.headers.get("content-encoding", "identity").strip().lower() != "identity":
        body = _unpacked(response)
    if not body:
        raise malformed("is empty", response)
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        pass
    # Outside the handler: the decoder's own error holds the whole document, and would stay in
    # `__context__` whatever `from` says.
    raise malformed("is not JSON", response)


def _unpacked(response: Response) -> bytes:
    # We ask for no compression; something between may compress all the same.
    unpacker = zlib.decompressobj(wbits=47)
    try:
        body = unpacker.decompress(response.body, MAX_BYTES + 1)
    except zlib.error:
        raise malformed("is compressed in a way that was not asked for", response) from None
    if len(body) > MAX_BYTES:
        raise malformed("is larger than 10 MiB", response)
    return body


class Fields:
    """A JSON object whose fields are taken out by name and type.

    An optional field that is missing or null gives None; a field of the wrong type raises an
    `UpstreamError` that names it and not its value.
    """

    __slots__ = ("_data", "_what")

    def __init__(self, data: object, what: str) -> None:
        if not isinstance(data, dict):
            raise malformed(f"has no object where {what} should be")
        self._data: Mapping[str, Any] = data
        self._what = what

    def optional(self, name: str, kind: type[_T]) -> _T | None:
        value = self._data.get(name)
        if value is None:
            return None
        # bool is a subclass of int, and an amount of money is never one.
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise malformed(f"has a {self._what} whose {name} is no {kind.__name__}")
        return value

    def required(self, name: str, kind: type[_T]) -> _T:
        value = self.optional(name, kind)
        if value is None:
            raise malformed(f"has a {self._what} without {name}")
        return value

    def strings(self, name: str) -> tuple[str, ...]:
        """A list of strings as a tuple; empty where the field is missing."""
        values = self.optional(name, list) or []
        if not all(isinstance(value, str) for value in values):
            raise malformed(f"has a {self._what} whose {name} is no list of strings")
        return tuple(values)
