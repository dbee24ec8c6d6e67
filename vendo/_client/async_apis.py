"""The sub-APIs of `AsyncVendo`: those of `Vendo`, to be awaited."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Literal

from vendo._catalog import catalog
from vendo._catalog.slug_type import Slug
from vendo._client import platform_flows
from vendo._client.interfaces import AsyncClient
from vendo._config.slugs import checked_slug
from vendo._protocol.models import Balance, Connection, Integration, SpendCaps


class _AsyncAPI:
    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


class AsyncConnectionsAPI(_AsyncAPI):
    """List the providers of this deployment, as `ConnectionsAPI` does. It is `client.connections`.

    Example:
        ```python
        import asyncio

        import vendo

        print(len(asyncio.run(vendo.aio.connections.list())))
        ```
    """

    async def list(self) -> builtins.list[Connection]:
        """List all connections, as `ConnectionsAPI.list` does.

        Returns:
            One row for each provider of the deployment, connected or not.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed, and `VENDO_CONNECTIONS` is not set.

        Example:
            ```python
            import asyncio

            import vendo

            for row in asyncio.run(vendo.aio.connections.list()):
                print(row.slug, row.status)
            ```
        """
        return await self._client._run(platform_flows.list_connections(self._client._settings))

    async def get(self, slug: Slug | str) -> Connection | None:
        """Get the connection of a provider, as `ConnectionsAPI.get` does.

        Args:
            slug: the provider.

        Returns:
            Its row, connected or not. None if the deployment has no such provider.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed, and `VENDO_CONNECTIONS` is not set.
            ValidationError: the slug is malformed.

        Example:
            ```python
            import asyncio

            import vendo

            slack = asyncio.run(vendo.aio.connections.get("slack"))
            print(slack is not None and slack.is_connected)
            ```
        """
        return await self._client._run(platform_flows.get_connection(self._client._settings, slug))

    async def connected_slugs(self) -> builtins.list[str]:
        """List the slugs with an available credential, as `ConnectionsAPI.connected_slugs` does.

        Returns:
            The slugs, each once.

        Raises:
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed, and `VENDO_CONNECTIONS` is not set.

        Example:
            ```python
            import asyncio

            import vendo

            print("slack" in asyncio.run(vendo.aio.connections.connected_slugs()))
            ```
        """
        return await self._client._run(platform_flows.connected_slugs(self._client._settings))

    async def wait(self, slug: Slug | str, *, timeout: float = 300.0) -> Connection:
        """Wait until a provider is connected, as `ConnectionsAPI.wait` does. Vendo mode.

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
            import asyncio

            import vendo

            connection = asyncio.run(vendo.aio.connections.wait("slack", timeout=60))
            print(connection.display_name, "is connected.")
            ```
        """
        from vendo._client.async_waiting import wait
        from vendo._client.waiting import Waiting

        return await wait(self._client, Waiting(self._client._settings, slug, timeout))


class AsyncIntegrationsAPI(_AsyncAPI):
    """List the providers that the platform offers, as `IntegrationsAPI` does.

    It is `client.integrations`.

    Example:
        ```python
        import asyncio

        import vendo

        print(len(asyncio.run(vendo.aio.integrations.list())))
        ```
    """

    async def list(self) -> builtins.list[Integration]:
        """List all providers of the platform, as `IntegrationsAPI.list` does.

        Returns:
            One row for each provider.

        Raises:
            UpstreamError: the backend failed.

        Example:
            ```python
            import asyncio

            import vendo

            for integration in asyncio.run(vendo.aio.integrations.list()):
                print(integration.slug, integration.category)
            ```
        """
        return await self._client._run(platform_flows.list_integrations(self._client._settings))

    async def get(self, slug: Slug | str) -> Integration | None:
        """Get one provider of the platform, as `IntegrationsAPI.get` does.

        Args:
            slug: the provider.

        Returns:
            Its row, or None if the platform does not offer it.

        Raises:
            UpstreamError: the backend failed.
            ValidationError: the slug is malformed.

        Example:
            ```python
            import asyncio

            import vendo

            slack = asyncio.run(vendo.aio.integrations.get("slack"))
            print(slack and slack.name)
            ```
        """
        return await self._client._run(platform_flows.get_integration(self._client._settings, slug))

    async def env_vars(self, slug: Slug | str) -> builtins.list[str]:
        """List the variables that `token` reads in OSS mode, as `IntegrationsAPI.env_vars` does.

        Args:
            slug: the provider.

        Returns:
            The names of the variables. Empty for an unknown slug.

        Raises:
            ValidationError: the slug is malformed.

        Example:
            ```python
            import asyncio

            import vendo

            print(asyncio.run(vendo.aio.integrations.env_vars("slack")))
            ```
        """
        return catalog.env_vars(checked_slug(slug))


class AsyncBillingAPI(_AsyncAPI):
    """Get the balance, caps and usage of the wallet. It is `client.billing`. Vendo mode.

    In OSS mode each call raises `VendoOnlyFeature`.

    Example:
        ```python
        import asyncio

        import vendo

        print(asyncio.run(vendo.aio.billing.balance()).credits_remaining)
        ```
    """

    async def balance(self) -> Balance:
        """Get the balance of the wallet, as `BillingAPI.balance` does. Vendo mode.

        Returns:
            The balance, in micros (1 USD is 1,000,000 micros) and in dollars.

        Raises:
            VendoOnlyFeature: there is no API key.
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed.

        Example:
            ```python
            import asyncio

            import vendo

            balance = asyncio.run(vendo.aio.billing.balance())
            print(balance.credits_remaining, balance.currency)
            ```
        """
        return await self._client._run(platform_flows.balance(self._client._settings))

    async def spend_caps(self) -> SpendCaps:
        """Get the spend caps and what is used, as `BillingAPI.spend_caps` does. Vendo mode.

        Returns:
            The caps and the amounts used, in micros (1 USD is 1,000,000 micros) and in dollars.

        Raises:
            VendoOnlyFeature: there is no API key.
            AuthError: the backend rejects the key.
            UpstreamError: the backend failed.

        Example:
            ```python
            import asyncio

            import vendo

            caps = asyncio.run(vendo.aio.billing.spend_caps())
            print(caps.used_today, "of", caps.daily)
            ```
        """
        return await self._client._run(platform_flows.spend_caps(self._client._settings))

    async def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        """Get the usage of a day or a month, as `BillingAPI.usage` does. Vendo mode.

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
            import asyncio

            import vendo

            print(asyncio.run(vendo.aio.billing.usage("day")))
            ```
        """
        return await self._client._run(platform_flows.usage(self._client._settings, period))


class AsyncDataAPI(_AsyncAPI):
    """Run actions on connected accounts, as `DataAPI` does. It is `client.data`. Vendo mode.

    Example:
        ```python
        import asyncio

        import vendo

        print(asyncio.run(vendo.aio.data.execute("GMAIL_FETCH_EMAILS")))
        ```
    """

    async def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Any:
        """Run an action, as `DataAPI.execute` does. Vendo mode.

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
            import asyncio

            import vendo

            args = {"max_results": 2}
            mail = asyncio.run(vendo.aio.data.execute("GMAIL_FETCH_EMAILS", args))
            ```
        """
        flow = platform_flows.execute(self._client._settings, action, args, idempotency_key)
        return await self._client._run(flow)
