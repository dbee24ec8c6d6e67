"""The sub-APIs of `Vendo`, one class each: they hand a flow to the client that drives it."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Literal

from vendo import _types
from vendo._catalog import catalog
from vendo._catalog.slug_type import Slug
from vendo._client import platform_flows
from vendo._config.slugs import checked_slug
from vendo._protocol.models import Balance, Connection, Integration, SpendCaps


class _API:
    __slots__ = ("_client",)

    def __init__(self, client: _types.Vendo) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


class ConnectionsAPI(_API):
    """The providers as they stand for this deployment."""

    __slots__ = ()

    def list(self) -> builtins.list[Connection]:
        """Every connection. Both modes.

        In OSS mode there is one `connected` row for each provider that the environment resolves.
        While the API is unreachable, `VENDO_CONNECTIONS` says which slugs are connected.

        Raises:
            AuthError: the backend refuses the key.
            UpstreamError: the backend failed and `VENDO_CONNECTIONS` is not set.
        """
        return self._client._run(platform_flows.list_connections(self._client))

    def get(self, slug: Slug | str) -> Connection | None:
        """The connection of a provider, or None. Errors as for `list`. Both modes."""
        return self._client._run(platform_flows.get_connection(self._client, slug))

    def connected_slugs(self) -> builtins.list[str]:
        """The slugs for which a credential can be had now. Errors as for `list`. Both modes."""
        return self._client._run(platform_flows.connected_slugs(self._client))


class IntegrationsAPI(_API):
    """What the platform offers, connected or not."""

    __slots__ = ()

    def list(self) -> builtins.list[Integration]:
        """Every provider of the platform. Both modes; works without a key.

        Raises:
            UpstreamError: the backend failed.
        """
        return self._client._run(platform_flows.list_integrations(self._client))

    def get(self, slug: Slug | str) -> Integration | None:
        """One provider of the platform, or None where it has none of that name. Both modes.

        Raises:
            UpstreamError: the backend failed.
        """
        return self._client._run(platform_flows.get_integration(self._client, slug))

    def env_vars(self, slug: Slug | str) -> builtins.list[str]:
        """The conventional environment variables of a provider, out of the bundled catalog;
        empty for a slug that it does not know. Both modes, no request.

        Raises:
            ValidationError: the slug is malformed.
        """
        return catalog.env_vars(checked_slug(slug))


class BillingAPI(_API):
    """The wallet. Vendo mode: in OSS mode each call raises `VendoOnlyFeature`."""

    __slots__ = ()

    def balance(self) -> Balance:
        """What is left in the wallet, in micros (1 USD is 1,000,000 micros).

        Raises:
            VendoOnlyFeature: there is no API key.
            AuthError, UpstreamError: the backend refuses the key, or failed.
        """
        return self._client._run(platform_flows.balance(self._client))

    def spend_caps(self) -> SpendCaps:
        """The spend caps and what is used of them, in micros. Errors as for `balance`."""
        return self._client._run(platform_flows.spend_caps(self._client))

    def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        """The usage of a day or a month, as the backend words it. Errors as for `balance`, and
        `ValidationError` for another period.
        """
        return self._client._run(platform_flows.usage(self._client, period))


class DataAPI(_API):
    """Actions on people's connected accounts, through the platform's data proxy."""

    __slots__ = ()

    def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Any:
        """Run an action and return its data. Vendo mode.

        Args:
            action: its name, such as `"GMAIL_FETCH_EMAILS"`.
            args: its arguments, a mapping that can be written as JSON.
            idempotency_key: a text that makes two calls one; a fresh one by default.

        Raises:
            VendoOnlyFeature: there is no API key.
            NotConnected: the provider that the action needs is not connected.
            BalanceExhausted, SpendCapExceeded: there is nothing left to pay with.
            ValidationError: the arguments cannot be written as JSON.
            UpstreamError: the action failed (code `composio_error`), or the backend did.
        """
        flow = platform_flows.execute(self._client, action, args, idempotency_key)
        return self._client._run(flow)


class EventsAPI(_API):
    """The platform's events. Vendo mode: in OSS mode each call raises `VendoOnlyFeature`."""

    __slots__ = ()

    def subscribe(self, max_backoff_sec: float = 30.0) -> _types.EventStream:
        """The events from now on: an iterator, and a context manager that closes the connection.

        A connection that breaks is made anew, with pauses that grow up to `max_backoff_sec`
        seconds, and goes on after the last event that was seen. A `transport=` of your own has no
        part in it: it sends requests, and this is a stream.

        Raises:
            VendoOnlyFeature: there is no API key (at this call, not at the first event).
            ValidationError: `max_backoff_sec` is no number of seconds greater than 0.
        """
        from vendo._client.events import EventStream

        return EventStream(self._client, max_backoff_sec)

    def watch(self) -> _types.EventWatch:
        """Keep the cached tokens true in the background: a connection that changes makes the
        cache forget its tokens, for every user. One stream a process serves all who watch.

        Returns a context manager whose `stop()` ends it.

        Raises:
            VendoOnlyFeature: there is no API key.
        """
        from vendo._client.event_watch import watch

        return watch(self._client)
