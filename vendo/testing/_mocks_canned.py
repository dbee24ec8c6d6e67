"""What a mock client was given, and what it was asked: the half that is neither sync nor async."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar

import vendo.testing
from vendo._catalog import catalog
from vendo._client.base import checked_slugs
from vendo._config.slugs import checked_slug, name_of
from vendo._protocol.models import Balance, Connection, Integration, SpendCaps
from vendo.errors import NotConnected, UpstreamError, VendoError

_T = TypeVar("_T")

MOCK_KEY = "vendo_sk_" + "mock" * 8

_USUAL_BALANCE = 5_000_000
_NAMESPACE = uuid.UUID("6ba7b811-9dad-11d1-80b4-00c04fd430c8")  # RFC 4122's own, for URLs


def fake_connection(slug: str, status: str = "connected", **fields: Any) -> Connection:
    """A `Connection` that looks as if the platform had listed it. The same slug, the same row.

    Args:
        slug: the provider, of the catalog or not.
        status: `connected`, `available`, `pending_setup`, `needs_reauth`, `error` or `revoked`.
        fields: any field of `Connection`, in place of the usual.

    Raises:
        TypeError: `Connection` has no such field.
        ValidationError: the slug is malformed.
    """
    slug = checked_slug(slug)
    provider = catalog.provider(slug)
    identity = uuid.uuid5(_NAMESPACE, f"https://vendo.run/connections/{slug}")
    usual: dict[str, Any] = {
        "id": str(identity),
        "external_id": f"ext_{identity.hex[:8]}",
        "display_name": provider.name if provider else slug,
        "category": provider.category if provider else "other",
        "profile": "user_oauth",
        "connected_at": "2026-05-02T09:00:00Z" if status == "connected" else None,
        "exclusive": False,
        "docs_url": provider.docs_url if provider else None,
    }
    return Connection(slug, status, **{**usual, **fields})


@dataclass(frozen=True, slots=True, repr=False)
class Canned:
    """The answers of one mock client, and the list of what it was asked."""

    tokens: Mapping[str, str | VendoError]
    connections: tuple[Connection, ...]
    integrations: tuple[Integration, ...]
    balance: Balance | VendoError
    spend_caps: SpendCaps | VendoError
    usage: Mapping[str, Any]
    actions: Mapping[str, Any]
    events: vendo.testing.MockSSE
    calls: list[tuple[Any, ...]] = field(default_factory=list)

    def token(self, slug: str) -> str:
        """The token of a checked slug.

        Raises:
            NotConnected: none was given, worded as the backend's refusal is.
            VendoError: the error that was given in its place.
        """
        given = self.tokens.get(slug)
        if given is None:
            raise NotConnected(
                "binding_missing",
                f"This mock has no token for {slug!r}.",
                status=403,
                slug=slug,
                suggested_fix=f'Give it one: MockClient({{"{slug}": "a-token"}}).',
            )
        return given_or_raised(given)

    def token_or_none(self, slug: str) -> str | None:
        """The token of a checked slug, or None for what a bulk answer has none for."""
        given = self.tokens.get(slug)
        return None if given is None or isinstance(given, VendoError) else given

    def connection(self, slug: str) -> Connection | None:
        """The connection of a slug, one that is connected first."""
        wanted = checked_slug(slug)
        rows = [row for row in self.connections if row.slug == wanted]
        return min(rows, key=lambda row: not row.is_connected, default=None)

    def connected_slugs(self) -> list[str]:
        """The slugs with a connected row, each once."""
        return list(dict.fromkeys(row.slug for row in self.connections if row.is_connected))

    def integration(self, slug: str) -> Integration | None:
        """The integration of a slug."""
        wanted = checked_slug(slug)
        return next((row for row in self.integrations if row.slug == wanted), None)

    def execute(self, action: str, args: Mapping[str, Any] | None) -> Any:
        """The data of an action: what was given, or what the given function returns.

        Raises:
            UpstreamError: nothing was given for it.
        """
        if action not in self.actions:
            raise UpstreamError(
                "composio_error",
                f"This mock has no answer for the action {action!r}.",
                suggested_fix=f'Give it one: MockClient(actions={{"{action}": ...}}).',
            )
        given = self.actions[action]
        return given(dict(args or {})) if callable(given) else given_or_raised(given)


def canned(
    tokens: Mapping[str, str | VendoError] | None,
    connections: Iterable[Connection | str] | None,
    integrations: Iterable[Integration] | None,
    balance: Balance | VendoError | int | None,
    spend_caps: SpendCaps | VendoError | None,
    usage: Mapping[str, Any] | None,
    actions: Mapping[str, Any | Callable[[dict[str, Any]], Any]] | None,
    events: vendo.testing.MockSSE,
) -> Canned:
    """What a mock client was given, checked, with the usual in place of what was left out."""
    by_slug = {checked_slug(slug): _checked(slug, given) for slug, given in (tokens or {}).items()}
    if connections is None:
        connections = [slug for slug, given in by_slug.items() if isinstance(given, str)]
    if integrations is None:
        integrations = map(_integration, catalog.slugs())
    if balance is None or isinstance(balance, int):
        balance = Balance(
            _USUAL_BALANCE if balance is None else balance, "USD", "https://vendo.run/billing"
        )
    return Canned(
        tokens=MappingProxyType(by_slug),
        connections=tuple(
            fake_connection(row) if isinstance(row, str) else row for row in connections
        ),
        integrations=tuple(integrations),
        balance=balance,
        spend_caps=spend_caps or SpendCaps(None, None, 0, 0),
        usage=MappingProxyType(dict(usage or {})),
        actions=MappingProxyType(dict(actions or {})),
        events=events,
    )


def given_or_raised(given: _T | VendoError) -> _T:
    """The canned answer, or a copy of it raised where it is an error."""
    if isinstance(given, VendoError):
        raise given.replace()
    return given


def looked_up(canned: Canned, slug: str) -> str:
    """The token of a slug in whatever case, with the call recorded."""
    slug = name_of(slug).slug
    canned.calls.append(("token", slug))
    return canned.token(slug)


def resolved(canned: Canned, slugs: Iterable[str]) -> dict[str, str | None]:
    """The tokens of several slugs, with the call recorded; the keys are the texts given."""
    names = {slug: name_of(slug).slug for slug in checked_slugs(slugs)}
    canned.calls.append(("tokens", *names.values()))
    return {slug: canned.token_or_none(name) for slug, name in names.items()}


def _checked(slug: str, given: object) -> str | VendoError:
    if isinstance(given, str | VendoError):
        return given
    raise TypeError(f"The token for {slug!r} is of type {type(given).__name__}, not text.")


def _integration(slug: str) -> Integration:
    provider = catalog.provider(slug)
    return Integration(
        slug,
        name=provider.name if provider else slug,
        category=provider.category if provider else None,
        docs_url=provider.docs_url if provider else None,
        supported_profiles=("user_oauth", "byok_static"),
        default_profile="user_oauth",
        enabled=True,
    )
