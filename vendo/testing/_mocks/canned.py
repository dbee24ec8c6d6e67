"""The values that a mock client returns, and the list of its calls."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

from vendo._catalog import catalog
from vendo._client.arguments import checked_slugs
from vendo._config.slugs import checked_slug, name_of
from vendo._protocol.models import Balance, Connection, Health, Integration, SpendCaps
from vendo._protocol.subscription import checked_backoff
from vendo.errors import ConnectTimeout, NeedsReauth, NotConnected, UpstreamError, VendoError
from vendo.testing._mocks.events import MockSSE

_T = TypeVar("_T")

MOCK_KEY = "vendo_sk_" + "mock" * 8

_DEFAULT_BALANCE = 5_000_000
#: The fields of a credential that are its token, in this order.
_TOKEN_FIELDS = ("access_token", "bot_token", "api_key")
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122's own, for URLs


def fake_connection(slug: str, status: str = "connected", **fields: Any) -> Connection:
    """Return a `Connection` like one of the platform, always the same for a slug.

    Args:
        slug: the provider, of the catalog or not.
        status: `connected`, `available`, `pending_setup`, `needs_reauth`, `error` or `revoked`.
        fields: any field of `Connection`. From `credential`, a mock client takes the token:
            `access_token`, `bot_token`, `api_key`, or else the first value that is a text.

    Returns:
        A row for a mock client, or for a test of your own code.

    Raises:
        TypeError: `Connection` does not have such a field.
        ValidationError: the slug is malformed.

    Example:
        ```python
        from vendo.testing import MockClient, fake_connection

        row = fake_connection("gmail", "needs_reauth", display_name="Work mail")
        print(MockClient(connections=[row]).connections.get("gmail").status)  # needs_reauth
        ```
    """
    slug = checked_slug(slug)
    provider = catalog.provider(slug)
    identity = uuid.uuid5(_NAMESPACE, f"https://vendo.run/connections/{slug}")
    defaults: dict[str, Any] = {
        "id": str(identity),
        "external_id": f"ext_{identity.hex[:8]}",
        "display_name": slug,
        "category": "other",
        "profile": "byok_static",
        "connected_at": "2026-05-02T09:00:00Z" if status == "connected" else None,
        "exclusive": False,
        "docs_url": provider.docs_url if provider else None,
    }
    return Connection(slug, status, **{**defaults, **fields})


@dataclass(frozen=True, slots=True, repr=False)
class Canned:
    """The values that one mock client returns, and the list of its calls.

    There is a method for each call of a client. It records the call, and returns its value or
    raises the error in its place.
    """

    required_key: Callable[[str], object]
    tokens: Mapping[str, str | VendoError]
    connections: tuple[Connection, ...]
    integrations: tuple[Integration, ...]
    balance: Balance | VendoError
    spend_caps: SpendCaps | VendoError
    usage: Mapping[str, Any]
    actions: Mapping[str, Any]
    events: MockSSE
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def record(self, call: str, *details: Any) -> None:
        """Add a call to the list."""
        self.calls.append((call, *details))

    def token(self, slug: str) -> str:
        """Return the token of a slug.

        Raises:
            NotConnected: the mock does not have a token. The error is like the backend's.
            VendoError: the error that was given in its place.
        """
        slug = name_of(slug).slug
        self.record("token", slug)
        given = self.tokens.get(slug)
        if given is None:
            raise NotConnected(
                "binding_missing",
                f"This mock has no token for {slug!r}.",
                status=403,
                slug=slug,
                suggested_fix=f'MockClient({{"{slug}": "a-token"}})',
            )
        return _value(given)

    def some_tokens(self, slugs: Iterable[str]) -> dict[str, str | None]:
        """Return the tokens of several slugs by the texts given, None for a missing one."""
        names = {slug: name_of(slug).slug for slug in checked_slugs(slugs)}
        self.record("tokens", *names.values())
        given = {slug: self.tokens.get(name) for slug, name in names.items()}
        return {
            slug: None if isinstance(token, VendoError) else token for slug, token in given.items()
        }

    def list_connections(self) -> list[Connection]:
        self.record("connections.list")
        return [*self.connections]

    def get_connection(self, slug: str) -> Connection | None:
        """Return the connection of a slug, a connected one first."""
        self.record("connections.get", slug)
        wanted = checked_slug(slug)
        rows = [row for row in self.connections if row.slug == wanted]
        return min(rows, key=lambda row: not row.is_connected, default=None)

    def connected_slugs(self) -> list[str]:
        """Return the slugs with a connected row, without duplicates."""
        self.record("connections.connected_slugs")
        return list(dict.fromkeys(row.slug for row in self.connections if row.is_connected))

    def wait(self, slug: str, timeout: float) -> Connection:
        """Return the row of a connected provider, without waiting.

        Raises:
            ConnectTimeout: it is not connected, and nobody connects it to a mock.
        """
        slug = checked_slug(slug)
        self._record_with_key("connections.wait", slug)
        for row in self.connections:
            if row.slug == slug and row.is_connected:
                return row
        raise ConnectTimeout(
            "binding_missing",
            f"The provider {slug!r} was not connected within {timeout:g} s.",
            slug=slug,
            suggested_fix=f'MockClient(connections=["{slug}"])',
        )

    def check(self, slugs: Iterable[str]) -> Health:
        """Return a problem for each slug without a token."""
        names = [name_of(slug).slug for slug in checked_slugs(slugs)]
        self.record("check", *names)
        missing = [name for name in names if not isinstance(self.tokens.get(name), str)]
        problems = tuple(f"This mock has no token for {name!r}." for name in missing)
        return Health(not problems, problems)

    def list_integrations(self) -> list[Integration]:
        self.record("integrations.list")
        return [*self.integrations]

    def get_integration(self, slug: str) -> Integration | None:
        self.record("integrations.get", slug)
        wanted = checked_slug(slug)
        return next((row for row in self.integrations if row.slug == wanted), None)

    def get_balance(self) -> Balance:
        self._record_with_key("billing.balance")
        return _value(self.balance)

    def get_spend_caps(self) -> SpendCaps:
        self._record_with_key("billing.spend_caps")
        return _value(self.spend_caps)

    def get_usage(self, period: str) -> dict[str, Any]:
        self._record_with_key("billing.usage", period)
        return {**self.usage}

    def execute(self, action: str, args: Mapping[str, Any] | None) -> Any:
        """Return the data of an action, or call the function that was given for it.

        Raises:
            UpstreamError: the mock does not have this action.
        """
        self._record_with_key("data.execute", action, dict(args or {}))
        if action not in self.actions:
            raise UpstreamError(
                "composio_error",
                f"This mock has no result for the action {action!r}.",
                suggested_fix=f'MockClient(actions={{"{action}": ...}})',
            )
        given = self.actions[action]
        return given(dict(args or {})) if callable(given) else _value(given)

    def subscribe(self, max_backoff_sec: float) -> MockSSE:
        checked_backoff(max_backoff_sec)
        self._record_with_key("events.subscribe")
        return self.events

    def watch(self) -> None:
        self._record_with_key("events.watch")

    def _record_with_key(self, call: str, *details: Any) -> None:
        """Record a call of Vendo mode.

        Raises:
            VendoOnlyFeature: the mock is a client in OSS mode.
        """
        self.required_key(call)
        self.record(call, *details)


def canned(
    required_key: Callable[[str], object],
    tokens: Mapping[str, str | VendoError] | None,
    connections: Iterable[Connection | str] | None,
    integrations: Iterable[Integration] | None,
    balance: Balance | VendoError | int | None,
    spend_caps: SpendCaps | VendoError | None,
    usage: Mapping[str, Any] | None,
    actions: Mapping[str, Any | Callable[[dict[str, Any]], Any]] | None,
    events: MockSSE,
) -> Canned:
    """Check the arguments of a mock client, and fill in the defaults."""
    by_slug = {checked_slug(slug): _checked(slug, given) for slug, given in (tokens or {}).items()}
    if connections is None:
        connections = [slug for slug, given in by_slug.items() if isinstance(given, str)]
    rows = [fake_connection(row) if isinstance(row, str) else row for row in connections]
    if integrations is None:
        integrations = map(_integration, catalog.slugs())
    if balance is None or isinstance(balance, int):
        balance = Balance(
            _DEFAULT_BALANCE if balance is None else balance, "USD", "https://vendo.run/billing"
        )
    return Canned(
        required_key=required_key,
        tokens=MappingProxyType({**_tokens_of(rows), **by_slug}),
        connections=tuple(rows),
        integrations=tuple(integrations),
        balance=balance,
        spend_caps=spend_caps or SpendCaps(None, None, 0, 0),
        usage=MappingProxyType(dict(usage or {})),
        actions=MappingProxyType(dict(actions or {})),
        events=events,
    )


def _tokens_of(rows: Iterable[Connection]) -> dict[str, str | VendoError]:
    """Return what the backend has for the token of each connection, a connected one first."""
    tokens: dict[str, str | VendoError] = {}
    for row in sorted(rows, key=lambda row: not row.is_connected):
        token = _token_of(row)
        if token is not None:
            tokens.setdefault(row.slug, token)
    return tokens


def _token_of(row: Connection) -> str | VendoError | None:
    if row.status == "needs_reauth":
        return NeedsReauth(
            "connection_needs_reauth",
            f"The connection of {row.slug!r} in this mock must be authorized again.",
            status=401,
            slug=row.slug,
        )
    if not row.is_connected or row.credential is None:
        return None
    values = [*map(row.credential.get, _TOKEN_FIELDS), *row.credential.values()]
    return next((value for value in values if isinstance(value, str) and value), None)


def _value(given: _T | VendoError) -> _T:
    """Return a canned value, or raise a copy of a canned error."""
    if isinstance(given, VendoError):
        raise given.replace()
    return given


def _checked(slug: str, given: object) -> str | VendoError:
    if isinstance(given, str | VendoError):
        return given
    raise TypeError(f"The token for {slug!r} must be a str, not {type(given).__name__}.")


def _integration(slug: str) -> Integration:
    provider = catalog.provider(slug)
    return Integration(
        slug,
        name=provider.name if provider else slug,
        category=provider.category if provider else None,
        docs_url=provider.docs_url if provider else None,
        supported_profiles=("byok_static",),
        default_profile="byok_static",
        enabled=True,
    )
