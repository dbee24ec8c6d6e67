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
    """List the providers of this deployment, connected or not. It is `client.connections`.

    Example:
        ```python
        import vendo

        for connection in vendo.connections.list():
            print(connection.slug, connection.status)
        ```
    """

    def list(self) -> builtins.list[Connection]:
        """List all connections. Both modes.

        In OSS mode there is one `connected` row for each provider that the environment resolves.
        While the API is unreachable, the connected slugs are those in `VENDO_CONNECTIONS`.

        Returns:
            One row for each provider of the deployment, connected or not.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed, and `VENDO_CONNECTIONS` is not set.

        Example:
            ```python
            import vendo

            print(
                [row.slug for row in vendo.connections.list() if row.status == "needs_reauth"]
            )
            ```
        """
        return self._client._run(platform_flows.list_connections(self._client._settings))

    def get(self, slug: Slug | str) -> Connection | None:
        """Get the connection of a provider. Both modes.

        Args:
            slug: the provider.

        Returns:
            Its row, connected or not: see `is_connected`. None if the deployment has no such
            provider.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed, and `VENDO_CONNECTIONS` is not set.
            ValidationError: the slug is malformed.

        Example:
            ```python
            import vendo

            slack = vendo.connections.get("slack")
            print(slack is not None and slack.is_connected)
            ```
        """
        return self._client._run(platform_flows.get_connection(self._client._settings, slug))

    def connected_slugs(self) -> builtins.list[str]:
        """List the slugs with an available credential. Both modes.

        Returns:
            The slugs, each once.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed, and `VENDO_CONNECTIONS` is not set.

        Example:
            ```python
            import vendo

            print("slack" in vendo.connections.connected_slugs())
            ```
        """
        return self._client._run(platform_flows.connected_slugs(self._client._settings))

    def wait(self, slug: Slug | str, *, timeout: float = 300.0) -> Connection:
        """Wait until a provider is connected. Vendo mode.

        Show the user `connect_url(slug)` first. It returns as soon as an event reports the
        connection. While there are no events, it looks every few seconds. A backend that is away
        does not end it.

        Args:
            slug: the provider.
            timeout: seconds to wait at most.

        Returns:
            The connection.

        Raises:
            ConnectTimeout: it was not connected in time. This is a `TimeoutError` too.
            VendoError: the slug is a typo that no connection has (`provider_unknown`).
            VendoOnlyFeature: there is no API key.
            AuthError: the backend rejects the key.
            ValidationError: the slug or the time-out is malformed.

        Example:
            ```python
            import vendo

            connection = vendo.connections.wait("slack", timeout=60)
            print(connection.display_name, "is connected.")
            ```
        """
        from vendo._client.waiting import Waiting, wait

        return wait(self._client, Waiting(self._client._settings, slug, timeout))


class IntegrationsAPI(_API):
    """List the providers that the platform offers, connected or not. It is `client.integrations`.

    Example:
        ```python
        import vendo

        print(len(vendo.integrations.list()))
        ```
    """

    def list(self) -> builtins.list[Integration]:
        """List all providers of the platform. Both modes; a key is optional.

        Returns:
            One row for each provider.

        Raises:
            UpstreamError: the backend failed.

        Example:
            ```python
            import vendo

            for integration in vendo.integrations.list():
                print(integration.slug, integration.category)
            ```
        """
        return self._client._run(platform_flows.list_integrations(self._client._settings))

    def get(self, slug: Slug | str) -> Integration | None:
        """Get one provider of the platform. Both modes; a key is optional.

        Args:
            slug: the provider.

        Returns:
            Its row, or None if the platform does not offer it.

        Raises:
            UpstreamError: the backend failed.
            ValidationError: the slug is malformed.

        Example:
            ```python
            import vendo

            slack = vendo.integrations.get("slack")
            print(slack and slack.name)
            ```
        """
        return self._client._run(platform_flows.get_integration(self._client._settings, slug))

    def env_vars(self, slug: Slug | str) -> builtins.list[str]:
        """List the variables that `token` reads in OSS mode, from the bundled catalog.

        Both modes, without a request.

        Args:
            slug: the provider.

        Returns:
            The names of the variables. Further variables that a program needs, such as
            `SLACK_SIGNING_SECRET`, follow them. Empty for an unknown slug.

        Raises:
            ValidationError: the slug is malformed.

        Example:
            ```python
            import vendo

            print(vendo.integrations.env_vars("slack"))
            ```
        """
        return catalog.env_vars(checked_slug(slug))


class BillingAPI(_API):
    """Get the balance, caps and usage of the wallet. It is `client.billing`. Vendo mode.

    In OSS mode each call raises `VendoOnlyFeature`.

    Example:
        ```python
        import vendo

        print(vendo.billing.balance().credits_remaining)
        ```
    """

    def balance(self) -> Balance:
        """Get the balance of the wallet. Vendo mode.

        Returns:
            The balance, in micros (1 USD is 1,000,000 micros) and in dollars.

        Raises:
            VendoOnlyFeature: there is no API key.
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed.

        Example:
            ```python
            import vendo

            balance = vendo.billing.balance()
            print(balance.credits_remaining, balance.currency)
            ```
        """
        return self._client._run(platform_flows.balance(self._client._settings))

    def spend_caps(self) -> SpendCaps:
        """Get the spend caps and what is used. Vendo mode.

        Returns:
            The caps and the amounts used, in micros (1 USD is 1,000,000 micros) and in dollars.

        Raises:
            VendoOnlyFeature: there is no API key.
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed.

        Example:
            ```python
            import vendo

            caps = vendo.billing.spend_caps()
            print(caps.used_today, "of", caps.daily)
            ```
        """
        return self._client._run(platform_flows.spend_caps(self._client._settings))

    def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        """Get the usage of a day or a month. Vendo mode.

        Args:
            period: `"day"` or `"month"`.

        Returns:
            The backend's JSON object, unchanged.

        Raises:
            VendoOnlyFeature: there is no API key.
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed.
            ValidationError: the period is another one.

        Example:
            ```python
            import vendo

            print(vendo.billing.usage("day"))
            ```
        """
        return self._client._run(platform_flows.usage(self._client._settings, period))


class DataAPI(_API):
    """Run actions on connected accounts, through the platform's data proxy. It is `client.data`.

    Example:
        ```python
        import vendo

        print(vendo.data.execute("GMAIL_FETCH_EMAILS", {"max_results": 2}))
        ```
    """

    def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Any:
        """Run an action. Vendo mode.

        Args:
            action: its name, such as `"GMAIL_FETCH_EMAILS"`.
            args: its arguments, a mapping that can be written as JSON.
            idempotency_key: calls with the same key run the action once; a fresh one by default.

        Returns:
            The data of the action: decoded JSON, in the action's own form.

        Raises:
            VendoOnlyFeature: there is no API key.
            NotConnected: the provider that the action needs is not connected.
            BalanceExhausted: the wallet is empty.
            SpendCapExceeded: a spend cap is reached.
            IdempotencyConflict: the key was used for another call.
            ValidationError: the arguments cannot be written as JSON.
            UpstreamError: the action failed (code `composio_error`), or the backend did.

        Example:
            ```python
            import vendo

            args = {"max_results": 2}
            mail = vendo.data.execute(
                "GMAIL_FETCH_EMAILS", args, idempotency_key="mail-of-monday"
            )
            ```
        """
        flow = platform_flows.execute(self._client._settings, action, args, idempotency_key)
        return self._client._run(flow)
