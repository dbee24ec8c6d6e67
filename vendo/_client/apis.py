"""The sub-APIs of `Vendo`: each method hands a flow to the client, which drives it."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Literal

from vendo._catalog import catalog
from vendo._catalog.slug_type import Slug
from vendo._client import platform_flows
from vendo._client.interfaces import Client
from vendo._config.slugs import checked_slug
from vendo._protocol.models import Balance, Connection, Integration, SpendCaps


class _API:
    def __init__(self, client: Client) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


class ConnectionsAPI(_API):
    """The providers of this deployment, connected or not."""

    def list(self) -> builtins.list[Connection]:
        """List all connections. Both modes.

        In OSS mode there is one `connected` row for each provider that the environment resolves.
        While the API is unreachable, the connected slugs are those in `VENDO_CONNECTIONS`.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed, and `VENDO_CONNECTIONS` is not set.
        """
        return self._client._run(platform_flows.list_connections(self._client._settings))

    def get(self, slug: Slug | str) -> Connection | None:
        """Get the connection of a provider, or None. Errors as for `list`. Both modes."""
        return self._client._run(platform_flows.get_connection(self._client._settings, slug))

    def connected_slugs(self) -> builtins.list[str]:
        """List the slugs with an available credential. Errors as for `list`. Both modes."""
        return self._client._run(platform_flows.connected_slugs(self._client._settings))

    def wait(self, slug: Slug | str, *, timeout: float = 300.0) -> Connection:
        """Wait until a provider is connected, and return its connection. Vendo mode.

        Show the user `connect_url(slug)` first. It returns as soon as an event says so; while there
        are no events, it looks every few seconds. A backend that is away does not end it.

        Args:
            slug: the provider.
            timeout: seconds to wait at most.

        Raises:
            ConnectTimeout: it was not connected in time. This is a `TimeoutError` too.
            VendoError: the slug is a typing error that no connection has (`provider_unknown`).
            VendoOnlyFeature: there is no API key.
            AuthError: the backend rejects the key.
            ValidationError: the slug or the time-out is malformed.
        """
        from vendo._client.waiting import Waiting, wait

        return wait(self._client, Waiting(self._client._settings, slug, timeout))


class IntegrationsAPI(_API):
    """The providers that the platform offers, connected or not."""

    def list(self) -> builtins.list[Integration]:
        """List all providers of the platform. Both modes; a key is optional.

        Raises:
            UpstreamError: the backend failed.
        """
        return self._client._run(platform_flows.list_integrations(self._client._settings))

    def get(self, slug: Slug | str) -> Integration | None:
        """Get one provider of the platform; None if the slug is unknown. Both modes.

        Raises:
            UpstreamError: the backend failed.
        """
        return self._client._run(platform_flows.get_integration(self._client._settings, slug))

    def env_vars(self, slug: Slug | str) -> builtins.list[str]:
        """List the variables that `token` reads in OSS mode, from the bundled catalog.

        Further variables that a program needs, such as `SLACK_SIGNING_SECRET`, follow them. Empty
        for an unknown slug. Both modes, without a request.

        Raises:
            ValidationError: the slug is malformed.
        """
        return catalog.env_vars(checked_slug(slug))


class BillingAPI(_API):
    """The wallet. Vendo mode: in OSS mode each call raises `VendoOnlyFeature`."""

    def balance(self) -> Balance:
        """Get the balance of the wallet, in micros (1 USD is 1,000,000 micros).

        Raises:
            VendoOnlyFeature: there is no API key.
            AuthError, UpstreamError: the backend rejects the key, or failed.
        """
        return self._client._run(platform_flows.balance(self._client._settings))

    def spend_caps(self) -> SpendCaps:
        """Get the spend caps and what is used, in micros. Errors as for `balance`."""
        return self._client._run(platform_flows.spend_caps(self._client._settings))

    def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        """Get the usage of a day or a month, in the backend's own form.

        Errors as for `balance`, and `ValidationError` for another period.
        """
        return self._client._run(platform_flows.usage(self._client._settings, period))


class DataAPI(_API):
    """Actions on connected accounts, through the platform's data proxy."""

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
            idempotency_key: calls with the same key run the action once; a fresh one by default.

        Raises:
            VendoOnlyFeature: there is no API key.
            NotConnected: the provider that the action needs is not connected.
            BalanceExhausted, SpendCapExceeded: the wallet or the cap is used up.
            ValidationError: the arguments cannot be written as JSON.
            UpstreamError: the action failed (code `composio_error`), or the backend did.
        """
        flow = platform_flows.execute(self._client._settings, action, args, idempotency_key)
        return self._client._run(flow)
