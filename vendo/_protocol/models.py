"""The platform's resources in Python: frozen dataclasses.

Fields that may contain a secret are left out of `repr` and of pickles. A mapping is left out of the
hash, and compared all the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

from vendo import _types

MICROS_PER_USD = 1_000_000


def _usd(micros: int) -> _types.Decimal:
    from decimal import Decimal  # few programs ask for it, and it takes 100 kB

    return Decimal(micros) / MICROS_PER_USD


class _Readable:
    """Fields that can be read as those of a dict too, which the platform's reference has here."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        if name not in self.keys():
            raise KeyError(name)
        return getattr(self, name)

    def keys(self) -> tuple[str, ...]:
        """Return the names of the fields."""
        return tuple(each.name for each in fields(self))  # type: ignore[arg-type]  # of dataclasses

    def get(self, name: str, default: Any = None) -> Any:
        """Return a field, or the default."""
        return self[name] if name in self.keys() else default


@dataclass(frozen=True, slots=True)
class EnvVar(_Readable):
    """One variable of an `EnvBootstrap`: `name` takes its value from `value_from`."""

    name: str
    value_from: str


@dataclass(frozen=True, slots=True)
class EnvBootstrap(_Readable):
    """The variables that a program needs for a connection, and what to restart on a change."""

    vars: tuple[EnvVar, ...]
    restart: str


@dataclass(frozen=True, slots=True)
class Connection:
    """A provider, connected or not, of this deployment (wire contract, "Platform API").

    `status` is one of `connected`, `available`, `pending_setup`, `needs_reauth`, `error`,
    `revoked`. Optional fields that the backend does not send are None.

    A pickle does not contain `metadata`, `credential` and `api_key`.
    """

    slug: str
    status: str
    id: str | None = None
    external_id: str | None = None
    display_name: str | None = None
    category: str | None = None
    profile: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    context: Mapping[str, Any] | None = field(default=None, hash=False)
    credential: Mapping[str, Any] | None = field(default=None, repr=False, hash=False)
    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    setup_url: str | None = None
    error_message: str | None = None
    connected_at: str | None = None
    env_bootstrap: EnvBootstrap | None = None
    exclusive: bool | None = None
    logo_url: str | None = None
    brand_color: str | None = None
    docs_url: str | None = None

    @property
    def is_connected(self) -> bool:
        """True if a credential is available now."""
        return self.status == "connected"

    def __reduce__(self) -> tuple[object, ...]:
        shown = replace(self, metadata={}, credential=None, api_key=None)
        return type(self), tuple(getattr(shown, each.name) for each in fields(shown))

    # A copy stays in this process, and contains everything; `__reduce__` would drop the secrets.

    def __copy__(self) -> Self:
        return replace(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        copies = {each.name: deepcopy(getattr(self, each.name), memo) for each in fields(self)}
        return replace(self, **copies)


@dataclass(frozen=True, slots=True)
class Integration:
    """A provider that the platform offers, connected or not."""

    slug: str
    name: str | None = None
    description: str | None = None
    category: str | None = None
    logo_url: str | None = None
    brand_color: str | None = None
    docs_url: str | None = None
    supported_profiles: tuple[str, ...] = ()
    default_profile: str | None = None
    enabled: bool | None = None
    featured: bool | None = None
    env_bootstrap: EnvBootstrap | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """The balance of the wallet. 1 USD is 1,000,000 micros."""

    credits_remaining_micros: int
    currency: str
    top_up_url: str | None = None

    @property
    def credits_remaining(self) -> _types.Decimal:
        """The balance in dollars."""
        return _usd(self.credits_remaining_micros)


@dataclass(frozen=True, slots=True)
class SpendCaps:
    """The spend caps, None for no cap, and what is used, in micros."""

    daily_micros: int | None
    monthly_micros: int | None
    used_today_micros: int
    used_month_micros: int

    @property
    def daily(self) -> _types.Decimal | None:
        """The daily cap in dollars, or None."""
        return None if self.daily_micros is None else _usd(self.daily_micros)

    @property
    def monthly(self) -> _types.Decimal | None:
        """The monthly cap in dollars, or None."""
        return None if self.monthly_micros is None else _usd(self.monthly_micros)

    @property
    def used_today(self) -> _types.Decimal:
        """The amount used today, in dollars."""
        return _usd(self.used_today_micros)

    @property
    def used_month(self) -> _types.Decimal:
        """The amount used this month, in dollars."""
        return _usd(self.used_month_micros)


@dataclass(frozen=True, slots=True)
class EventStreamMessage:
    """One event of the platform's stream (wire contract, "Events").

    `type` is the canonical name such as `connection.changed`. `data` is the decoded JSON, or the
    text itself if it is not JSON. `id` is the id to resume after. `retry` is in milliseconds, and
    None unless the event set the pause before a reconnection.
    """

    type: str
    data: Any = field(hash=False)
    id: str | None = None
    retry: int | None = None

    @property
    def slug(self) -> str | None:
        """The provider of a `connection.*` event, or None."""
        slug = self.data.get("slug") if isinstance(self.data, Mapping) else None
        return slug if isinstance(slug, str) else None


@dataclass(frozen=True, slots=True)
class WebhookEvent:
    """A webhook whose signature was verified (wire contract, "Webhooks")."""

    id: str
    type: str
    occurred_at: str | None
    data: Mapping[str, Any] = field(hash=False)

    @property
    def slug(self) -> str | None:
        """The provider of the event, or None."""
        slug = self.data.get("slug")
        return slug if isinstance(slug, str) else None


@dataclass(frozen=True, slots=True)
class Health:
    """The result of `client.check()`: `problems` are sentences with a fix, none if it is `ok`.

    It is true in a condition if it is `ok`.
    """

    ok: bool
    problems: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True, slots=True)
class VendoIdentity:
    """The signed-in user of a request, from the headers of the platform's proxy."""

    user_id: str
    email: str
    name: str
    tenant_id: str
    role: str
