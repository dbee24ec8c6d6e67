"""The credentials worker (wire contract, "Credentials worker"): one token, or many."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import quote

from vendo._protocol.calls import call
from vendo._protocol.clock import rfc3339, server_now
from vendo._protocol.decoding import Fields, decode_json, malformed
from vendo._protocol.moments import Moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from vendo._protocol.calls import Caller
    from vendo._protocol.secret import Secret
    from vendo._protocol.steps import Flow


class Issued:
    """A token that the worker issued.

    Attributes:
        token: the token.
        lifetime: seconds from `requested`; None for a token that does not expire.
        requested: the moment before the request was sent.
    """

    __slots__ = ("lifetime", "requested", "token")

    def __init__(self, token: str, lifetime: float | None, requested: Moment) -> None:
        self.token = token
        self.lifetime = lifetime
        self.requested = requested

    def __repr__(self) -> str:
        return f"<Issued lifetime={self.lifetime}>"


def fetch_token(
    caller: Caller, credentials_url: str, slug: str, *, attempts: int | None = None
) -> Flow[Issued]:
    """Fetch one token."""
    requested = Moment()
    response = yield from call(
        caller, "GET", f"{credentials_url}/{_encoded(slug)}", slug=slug, attempts=attempts
    )
    return _issued(decode_json(response), response.headers, requested, caller.user_jwt)


def fetch_tokens(
    caller: Caller, credentials_url: str, slugs: Sequence[str], *, attempts: int | None = None
) -> Flow[dict[str, Issued | None]]:
    """Fetch many tokens in one request; None for a slug without a credential."""
    requested = Moment()
    wanted = ",".join(_encoded(slug) for slug in slugs)
    response = yield from call(
        caller, "GET", f"{credentials_url}/_bulk?slugs={wanted}", attempts=attempts
    )
    tokens = Fields(decode_json(response), "bulk response").required("tokens", dict)
    return {
        slug: None
        if tokens.get(slug) is None
        else _issued(tokens[slug], response.headers, requested, caller.user_jwt)
        for slug in slugs
    }


@lru_cache(maxsize=256)
def _encoded(slug: str) -> str:
    return quote(slug, safe="")


def _issued(
    data: object, headers: Mapping[str, str], requested: Moment, user_jwt: Secret | None
) -> Issued:
    fields = Fields(data, "credential")
    token = fields.required("access_token", str)
    if not token.isascii() or not token.isprintable() or not token.strip():
        raise malformed("has an access_token that is blank, or not one line of ASCII")
    expires_at = fields.optional("expires_at", str)
    expires = None if expires_at is None else rfc3339(expires_at)
    if expires is None and expires_at is not None:
        raise malformed("has an expires_at that is not an RFC 3339 time")
    if user_jwt is not None:
        from vendo._protocol.jwt import expiry_of

        # The user may not sign in again: their token is kept no longer than their JWT is valid.
        expires = min(
            (end for end in (expires, expiry_of(user_jwt)) if end is not None), default=None
        )
    return Issued(token, None if expires is None else expires - server_now(headers), requested)
