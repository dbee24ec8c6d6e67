"""The values of a mapping as they are now, as a flow without I/O.

The token cache is passed by: it may hold a token for most of an hour, and whoever looks every half
minute wants to know what the backend would hand out today. Two programs that keep the same file
agree in this way, instead of each writing the token that it happens to hold.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vendo._config import environment
from vendo._config.slugs import name_of
from vendo._protocol import platform
from vendo._protocol.codes import is_missing_credential
from vendo._protocol.credentials import fetch_token, fetch_tokens
from vendo._tokens.resolver import conventional, override_of
from vendo.errors import RateLimited, UpstreamError, VendoError

if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from vendo._client.blocking import Vendo
    from vendo._protocol.calls import Caller
    from vendo._protocol.models import Connection
    from vendo._protocol.steps import Flow
    from vendo.reconciler._mapping import Source


class Unknown:
    """What stands for a value that cannot be asked for at the moment."""

    def __init__(self, error: VendoError) -> None:
        self.error = error


def current_values(
    client: Vendo, sources: Mapping[str, Source], held: Container[str]
) -> Flow[dict[str, str | Unknown]]:
    """The values by variable, without those that have none.

    `held` are the variables that had a value so far: before one of them is left out, the backend
    is asked for it by itself, so that a passing fault is not taken for a connection that is gone.

    Raises:
        VendoError: the backend failed or refused, so that nothing can be said.
    """
    scope = client._settings.scope()
    slugs = dict.fromkeys(source.slug for source in sources.values() if not source.path)
    tokens: dict[str, str | Unknown | None] = {slug: override_of(name_of(slug)) for slug in slugs}
    missing = [slug for slug, token in tokens.items() if token is None]
    rows: dict[str, Connection] = {}
    if scope is None:
        tokens.update({slug: conventional(name_of(slug)) for slug in missing})
    else:
        credentials_url, key = scope
        caller = client._settings.caller(key)
        if missing:
            issued = yield from fetch_tokens(caller, credentials_url, missing)
            tokens.update({slug: one.token if one else None for slug, one in issued.items()})
        for name, source in sources.items():
            if not source.path and tokens[source.slug] is None and name in held:
                tokens[source.slug] = yield from _asked_alone(caller, credentials_url, source.slug)
        if any(source.path for source in sources.values()):
            rows = yield from _connected(client, caller)
    found = {
        name: _inside(rows.get(source.slug), source.path) if source.path else tokens[source.slug]
        for name, source in sources.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def _asked_alone(caller: Caller, credentials_url: str, slug: str) -> Flow[str | Unknown | None]:
    try:
        # One try: the next pass comes soon, and the other variables are not to wait for this one.
        return (yield from fetch_token(caller, credentials_url, slug, attempts=1)).token
    except VendoError as error:
        if is_missing_credential(error):
            return None
        if isinstance(error, UpstreamError | RateLimited):
            return Unknown(error)
        raise


def _connected(client: Vendo, caller: Caller) -> Flow[dict[str, Connection]]:
    """The connected rows by slug.

    Not by way of `connections.list()`: what that falls back to in an outage knows no details, and
    their lines would go.
    """
    rows: Iterable[Connection] = yield from platform.fetch_connections(
        caller, client._settings.base_url(), sandbox=environment.SANDBOX.get() == "1"
    )
    connected: dict[str, Connection] = {}
    for row in rows:
        if row.is_connected:
            connected.setdefault(row.slug, row)
    return connected


def _inside(connection: Connection | None, path: tuple[str, ...]) -> str | None:
    """What a path leads to, where that is text, a number or a truth value."""
    if connection is None:
        return None
    value: object = getattr(connection, path[0])
    for name in path[1:]:
        value = value.get(name) if isinstance(value, Mapping) else None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    return None
