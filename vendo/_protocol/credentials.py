"""The credentials worker (wire contract, "Credentials worker"): one token, or many at once."""

from __future__ import annotations

import time
from functools import lru_cache
from urllib.parse import quote

from vendo._protocol.calls import call
from vendo._protocol.clock import rfc3339, server_now
from vendo._protocol.decoding import Fields, decode_json, malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vendo._protocol.calls import Caller
    from vendo._protocol.steps import Flow


class Issued:
    """A token as the worker handed it out.

    `lifetime` is in seconds from `asked_at`, a monotonic time taken before the request was sent;
    None for a token that does not expire.
    """

    __slots__ = ("asked_at", "lifetime", "token")

    def __init__(self, token: str, lifetime: float | None, asked_at: float) -> None:
        self.token = token
        self.lifetime = lifetime
        self.asked_at = asked_at

    def __repr__(self) -> str:
        return f"<Issued lifetime={self.lifetime}>"


def fetch_token(
    caller: Caller, credentials_url: str, slug: str, *, attempts: int | None = None
) -> Flow[Issued]:
    """Ask for one token."""
    asked_at = time.monotonic()
    response = yield from call(
        caller, "GET", f"{credentials_url}/{_encoded(slug)}", slug=slug, attempts=attempts
    )
    return _issued(decode_json(response), response.headers, asked_at)


def fetch_tokens(
    caller: Caller, credentials_url: str, slugs: Sequence[str], *, attempts: int | None = None
) -> Flow[dict[str, Issued | None]]:
    """Ask for many tokens in one request; None for a slug without a credential."""
    asked_at = time.monotonic()
    wanted = ",".join(_encoded(slug) for slug in slugs)
    response = yield from call(
        caller, "GET", f"{credentials_url}/_bulk?slugs={wanted}", attempts=attempts
    )
    tokens = Fields(decode_json(response), "bulk answer").required("tokens", dict)
    return {
        slug: None
        if tokens.get(slug) is None
        else _issued(tokens[slug], response.headers, asked_at)
        for slug in slugs
    }


@lru_cache(maxsize=256)
def _encoded(slug: str) -> str:
    return quote(slug, safe="")


def _issued(data: object, headers: Mapping[str, str], asked_at: float) -> Issued:
    fields = Fields(data, "credential")
    token = fields.required("access_token", str)
    if not token.isascii() or not token.isprintable() or not token.strip():
        raise malformed("has a credential whose access_token is blank or no single line of ASCII")
    expires_at = fields.optional("expires_at", str)
    if expires_at is None:
        return Issued(token, None, asked_at)
    expires = rfc3339(expires_at)
    if expires is None:
        raise malformed("has a credential whose expires_at is no RFC 3339 time")
    return Issued(token, expires - server_now(headers), asked_at)
