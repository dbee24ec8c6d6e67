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
    """The providers of this deployment, connected or not."""

    async def list(self) -> builtins.list[Connection]:
        """List all connections; see `ConnectionsAPI.list`."""
        return await self._client._run(platform_flows.list_connections(self._client._settings))

    async def get(self, slug: Slug | str) -> Connection | None:
        """Get the connection of a provider, or None; see `ConnectionsAPI.get`."""
        return await self._client._run(platform_flows.get_connection(self._client._settings, slug))

    async def connected_slugs(self) -> builtins.list[str]:
        """List the slugs with an available credential; see `ConnectionsAPI.connected_slugs`."""
        return await self._client._run(platform_flows.connected_slugs(self._client._settings))

    async def wait(self, slug: Slug | str, *, timeout: float = 300.0) -> Connection:
        """Wait until a provider is connected; see `ConnectionsAPI.wait`."""
        from vendo._client.async_waiting import wait
        from vendo._client.waiting import Waiting

        return await wait(self._client, Waiting(self._client._settings, slug, timeout))


class AsyncIntegrationsAPI(_AsyncAPI):
    """The providers that the platform offers, connected or not."""

    async def list(self) -> builtins.list[Integration]:
        """List all providers of the platform; see `IntegrationsAPI.list`."""
        return await self._client._run(platform_flows.list_integrations(self._client._settings))

    async def get(self, slug: Slug | str) -> Integration | None:
        """Get one provider of the platform, or None; see `IntegrationsAPI.get`."""
        return await self._client._run(platform_flows.get_integration(self._client._settings, slug))

    async def env_vars(self, slug: Slug | str) -> builtins.list[str]:
        """List the conventional variables of a provider; see `IntegrationsAPI.env_vars`."""
        return catalog.env_vars(checked_slug(slug))


class AsyncBillingAPI(_AsyncAPI):
    """The wallet. In OSS mode each call raises `VendoOnlyFeature`."""

    async def balance(self) -> Balance:
        """Get the balance of the wallet; see `BillingAPI.balance`."""
        return await self._client._run(platform_flows.balance(self._client._settings))

    async def spend_caps(self) -> SpendCaps:
        """Get the spend caps and what is used; see `BillingAPI.spend_caps`."""
        return await self._client._run(platform_flows.spend_caps(self._client._settings))

    async def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        """Get the usage of a day or a month; see `BillingAPI.usage`."""
        return await self._client._run(platform_flows.usage(self._client._settings, period))


class AsyncDataAPI(_AsyncAPI):
    """Actions on connected accounts, through the platform's data proxy."""

    async def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Any:
        """Run an action and return its data; see `DataAPI.execute`."""
        flow = platform_flows.execute(self._client._settings, action, args, idempotency_key)
        return await self._client._run(flow)
