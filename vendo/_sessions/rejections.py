"""Which responses reject a token: a 401, and what the catalog says of a provider (Slack's 200)."""

from __future__ import annotations

from vendo._protocol.json_object import json_object

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from vendo._catalog.catalog import Provider

#: A longer body is not read for an error.
MAX_BODY = 1024


def may_reject(provider: Provider | None, status: int, headers: Mapping[str, str]) -> bool:
    """Return True if the body of a response has to be read, to know if it rejects the token.

    `headers` has case-insensitive names.
    """
    if provider is None or not provider.rejections or status != 200:
        return False
    length = headers.get("content-length", "0")  # a chunked body has none
    is_short = length.isdecimal() and int(length) <= MAX_BODY
    return is_short and headers.get("content-type", "").startswith("application/json")


def accepts(
    provider: Provider | None, status: int, headers: Mapping[str, str], *, is_read: bool
) -> bool:
    """Return True if a response that does not reject the token shows that it was accepted.

    `is_read` is False for a body that was not looked at.
    """
    return 200 <= status < 300 and (is_read or not may_reject(provider, status, headers))


def rejects(provider: Provider | None, body: bytes) -> bool:
    """Return True if a body with status 200 rejects the token."""
    if provider is None or len(body) > MAX_BODY:
        return False
    fields = json_object(body) or {}
    return fields.get("ok") is False and fields.get("error") in provider.rejections
