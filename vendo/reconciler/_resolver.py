"""Resolve a mapping to its current values, as a flow without I/O.

It does not use the token cache, which may hold a token for most of an hour: an update needs what
the backend would issue now. So two programs that keep the same file agree on its values.
"""

from __future__ import annotations

from collections.abc import Mapping

from vendo._config import environment
from vendo._config.slugs import name_of
from vendo._protocol import platform
from vendo._protocol.codes import is_missing_credential
from vendo._protocol.credentials import fetch_token, fetch_tokens
from vendo._protocol.secret import Secret, masked
from vendo._tokens.resolver import conventional, handed_out, override_of
from vendo.errors import RateLimited, UpstreamError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container, Iterable

    from vendo._client.blocking import Vendo
    from vendo._protocol.calls import Caller
    from vendo._protocol.credentials import Issued
    from vendo._protocol.models import Connection
    from vendo._protocol.steps import Flow
    from vendo.reconciler._mapping import Source


class Hidden:
    """Holds what may be a secret, or contain one. Its repr shows nothing."""

    __slots__ = ("value",)
    value: object

    def text(self) -> Secret | None:
        """Return it if it is a text, else None."""
        return Secret(self.value) if isinstance(self.value, str) else None


class Unavailable:
    """Takes the place of a value that cannot be fetched at the moment."""

    def __init__(self, error: VendoError) -> None:
        self.error = error


def current_values(
    client: Vendo, sources: Mapping[str, Source], present: Container[str]
) -> Flow[dict[str, Secret | Unavailable]]:
    """Return the values by variable, without the variables that have none.

    `present` are the variables with a line in the file. Before one of them is left out, its token
    is fetched by itself: its absence in the bulk response may be a temporary fault.

    Raises:
        VendoError: the backend failed or rejected the key, so that nothing is known.
    """
    scope = client._settings.scope()
    slugs = dict.fromkeys(source.slug for source in sources.values() if not source.path)
    tokens: dict[str, Secret | Unavailable | None] = {
        slug: masked(override_of(name_of(slug))) for slug in slugs
    }
    missing = [slug for slug, token in tokens.items() if token is None]
    rows: dict[str, Connection] = {}
    if scope is None:
        tokens.update({slug: masked(conventional(name_of(slug))) for slug in missing})
    else:
        credentials_url, key = scope
        caller = client._settings.caller(key)
        if missing:
            issued = yield from fetch_tokens(caller, credentials_url, missing)
            for slug, credential in issued.items():
                tokens[slug] = None if credential is None else _handed_out(slug, credential)
        for name, source in sources.items():
            if not source.path and tokens[source.slug] is None and name in present:
                tokens[source.slug] = yield from _fetch(caller, credentials_url, source.slug)
        if any(source.path for source in sources.values()):
            rows = yield from _fetch_connected(client, caller)
    found = {
        name: _field(rows.get(source.slug), source.path) if source.path else tokens[source.slug]
        for name, source in sources.items()
    }
    return {name: value for name, value in found.items() if value is not None}


def _fetch(caller: Caller, credentials_url: str, slug: str) -> Flow[Secret | Unavailable | None]:
    try:
        # One attempt: the next update is soon, and the other variables must not wait.
        issued = yield from fetch_token(caller, credentials_url, slug, attempts=1)
    except VendoError as error:
        if is_missing_credential(error):
            return None
        if isinstance(error, UpstreamError | RateLimited):
            return Unavailable(error)
        raise
    return _handed_out(slug, issued)


def _handed_out(slug: str, issued: Issued) -> Secret:
    return Secret(handed_out(name_of(slug), Secret(issued.token)))


def fetch_connections(client: Vendo, caller: Caller) -> Flow[Iterable[Connection]]:
    """Return the rows of the connections.

    `connections.list()` is not used: in an outage it returns rows without fields, and the
    lines of these fields would be removed.
    """
    rows: Iterable[Connection] = yield from platform.fetch_connections(
        caller, client._settings.base_url(), sandbox=environment.SANDBOX.get() == "1"
    )
    return rows


def _fetch_connected(client: Vendo, caller: Caller) -> Flow[dict[str, Connection]]:
    """Return the connected rows by slug."""
    rows = yield from fetch_connections(client, caller)
    connected: dict[str, Connection] = {}
    for row in rows:
        if row.is_connected:
            connected.setdefault(row.slug, row)
    return connected


def _field(connection: Connection | None, path: tuple[str, ...]) -> Secret | None:
    """Return the field of a connection if it is a text, a number or a boolean."""
    if connection is None:
        return None
    field = Hidden()
    field.value = getattr(connection, path[0])
    for name in path[1:]:
        field.value = field.value.get(name) if isinstance(field.value, Mapping) else None
    if isinstance(field.value, bool):
        return Secret("true" if field.value else "false")
    if isinstance(field.value, int | float):
        return Secret(str(field.value))
    return field.text()
