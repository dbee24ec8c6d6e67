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
    """Name one variable of an `EnvBootstrap`.

    Attributes:
        name: the name of the variable.
        value_from: the field of the connection with its value, such as `access_token`.

    Example:
        ```python
        import vendo

        for integration in vendo.integrations.list():
            if integration.env_bootstrap:
                print([variable.name for variable in integration.env_bootstrap.vars])
        ```
    """

    name: str
    value_from: str


@dataclass(frozen=True, slots=True)
class EnvBootstrap(_Readable):
    """Describe the variables that a program needs for a connection.

    Attributes:
        vars: the variables.
        restart: what to restart on a change, such as `gateway`; `none` if nothing.

    Example:
        ```python
        import vendo

        for integration in vendo.integrations.list():
            if integration.env_bootstrap:
                print(integration.slug, integration.env_bootstrap.restart)
        ```
    """

    vars: tuple[EnvVar, ...]
    restart: str


@dataclass(frozen=True, slots=True)
class Connection:
    """Describe a provider of this deployment, connected or not.

    A pickle does not contain `metadata`, `credential` and `api_key`. A field that the backend does
    not send is None.

    Attributes:
        slug: the provider.
        status: `connected`, `available`, `pending_setup`, `needs_reauth`, `error` or `revoked`.
        id: the id of the connection.
        external_id: another id of the connection.
        display_name: the name of the provider, for pages.
        category: the kind of provider, such as `email`.
        profile: the kind of credential.
        metadata: further fields of the backend, with secrets perhaps.
        context: what belongs to the account, such as `{"ref": "…"}` of a Supabase project.
        credential: the fields of the credential, a secret. Use `token(slug)`.
        api_key: the key of a pooled provider, a secret.
        base_url: the address of a pooled provider's API.
        setup_url: the address where a user can connect it.
        error_message: why it failed, for the status `error`.
        connected_at: the time when it was connected, RFC 3339.
        env_bootstrap: the variables that a program needs for it.
        exclusive: True for a credential that a sandbox does not get.
        logo_url: the address of the provider's logo.
        brand_color: the provider's colour, for pages.
        docs_url: the address of the provider's documentation.

    Example:
        ```python
        import vendo

        gmail = vendo.connections.get("gmail")
        if gmail and gmail.status == "needs_reauth":
            print(gmail.display_name, "must be authorized again")
        ```
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
    """Describe a provider that the platform offers, connected or not.

    A field that the backend does not send is None.

    Attributes:
        slug: the provider.
        name: its name, for pages.
        description: a sentence about it.
        category: the kind of provider, such as `email`.
        logo_url: the address of its logo.
        brand_color: its colour, for pages.
        docs_url: the address of its documentation.
        supported_profiles: the kinds of credential that it has.
        default_profile: the kind that is used by default.
        enabled: whether the platform has it enabled.
        featured: whether the platform features it.
        env_bootstrap: the variables that a program needs for it.

    Example:
        ```python
        import vendo

        print([each.name for each in vendo.integrations.list() if each.category == "email"])
        ```
    """

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
    """Hold the balance of the wallet.

    Attributes:
        credits_remaining_micros: the balance. 1 USD is 1,000,000 micros.
        currency: the currency, such as `USD`.
        top_up_url: the address where a user can add to it, or None.

    Example:
        ```python
        import vendo

        balance = vendo.billing.balance()
        if balance.credits_remaining < 1:
            print("Top up at", balance.top_up_url)
        ```
    """

    credits_remaining_micros: int
    currency: str
    top_up_url: str | None = None

    @property
    def credits_remaining(self) -> _types.Decimal:
        """The balance in dollars."""
        return _usd(self.credits_remaining_micros)


@dataclass(frozen=True, slots=True)
class SpendCaps:
    """Hold the spend caps and what is used, in micros. 1 USD is 1,000,000 micros.

    Attributes:
        daily_micros: the daily cap, or None for no cap.
        monthly_micros: the monthly cap, or None for no cap.
        used_today_micros: the amount used today.
        used_month_micros: the amount used this month.

    Example:
        ```python
        import vendo

        caps = vendo.billing.spend_caps()
        if caps.monthly is not None:
            print(caps.monthly - caps.used_month, "left this month")
        ```
    """

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
    """Hold one event of the platform's stream.

    Attributes:
        type: the canonical name, such as `connection.changed`.
        data: the decoded JSON, or the text itself if it is not JSON.
        id: the id to resume after, or None.
        retry: the pause before a reconnection, in milliseconds; None unless the event sets it.

    Example:
        ```python
        import vendo

        with vendo.events.subscribe() as events:
            event = next(events)
            print(event.type, event.slug, event.data)
        ```
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
    """Hold the event of a webhook whose signature was verified.

    Attributes:
        id: the id of the event. It is the same if the webhook is delivered again.
        type: the canonical name, such as `connection.changed`.
        occurred_at: the time of the event, RFC 3339, or None.
        data: the fields of the event.

    Example:
        ```python
        import vendo

        event = vendo.WebhookEvent("evt_1", "connection.changed", None, {"slug": "gmail"})
        print(event.slug)
        ```
    """

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
    """Hold the result of `client.check()`. It is true in a condition if it is `ok`.

    Attributes:
        ok: True if there is no problem.
        problems: a sentence with a fix for each problem.

    Example:
        ```python
        import vendo

        health = vendo.Vendo().check(["gmail"])
        print("healthy" if health else health.problems)
        ```
    """

    ok: bool
    problems: tuple[str, ...]

    def __bool__(self) -> bool:
        return self.ok


@dataclass(frozen=True, slots=True)
class VendoIdentity:
    """Hold the signed-in user of a request, from the headers of the platform's proxy.

    Attributes:
        user_id: the id of the user.
        email: the mail address.
        name: the name, which may be empty.
        tenant_id: the id of the tenant.
        role: `owner`, `member` or `viewer`.

    Example:
        ```python
        import vendo

        user = vendo.VendoIdentity("user_1", "user@example.com", "", "tenant_1", "viewer")
        print(user.role in {"owner", "member"})
        ```
    """

    user_id: str
    email: str
    name: str
    tenant_id: str
    role: str
