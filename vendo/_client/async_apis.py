"""The sub-APIs of `AsyncVendo`, one class each: those of `Vendo`, to be awaited."""

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


class _AsyncAPI:
    __slots__ = ("_client",)

    def __init__(self, client: _types.AsyncVendo) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"


class AsyncConnectionsAPI(_AsyncAPI):
    """The providers as they stand for this deployment."""

    __slots__ = ()

    async def list(self) -> builtins.list[Connection]:
        """Every connection; see `ConnectionsAPI.list`."""
        return await self._client._run(platform_flows.list_connections(self._client))

    async def get(self, slug: Slug | str) -> Connection | None:
        """The connection of a provider, or None; see `ConnectionsAPI.get`."""
        return await self._client._run(platform_flows.get_connection(self._client, slug))

    async def connected_slugs(self) -> builtins.list[str]:
        """The slugs with a credential; see `ConnectionsAPI.connected_slugs`."""
        return await self._client._run(platform_flows.connected_slugs(self._client))


class AsyncIntegrationsAPI(_AsyncAPI):
    """What the platform offers, connected or not."""

    __slots__ = ()

    async def list(self) -> builtins.list[Integration]:
        """Every provider of the platform; see `IntegrationsAPI.list`."""
        return await self._client._run(platform_flows.list_integrations(self._client))

    async def get(self, slug: Slug | str) -> Integration | None:
        """One provider of the platform, or None; see `IntegrationsAPI.get`."""
        return await self._client._run(platform_flows.get_integration(self._client, slug))

    async def env_vars(self, slug: Slug | str) -> builtins.list[str]:
        """The conventional variables of a provider; see `IntegrationsAPI.env_vars`."""
        return catalog.env_vars(checked_slug(slug))


class AsyncBillingAPI(_AsyncAPI):
    """The wallet. In OSS mode each call raises `VendoOnlyFeature`."""

    __slots__ = ()

    async def balance(self) -> Balance:
        """What is left in the wallet; see `BillingAPI.balance`."""
        return await self._client._run(platform_flows.balance(self._client))

    async def spend_caps(self) -> SpendCaps:
        """The spend caps and what is used of them; see `BillingAPI.spend_caps`."""
        return await self._client._run(platform_flows.spend_caps(self._client))

    async def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        """The usage of a day or a month; see `BillingAPI.usage`."""
        return await self._client._run(platform_flows.usage(self._client, period))


class AsyncDataAPI(_AsyncAPI):
    """Actions on people's connected accounts, through the platform's data proxy."""

    __slots__ = ()

    async def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,
    ) -> Any:
        """Run an action and return its data; see `DataAPI.execute`."""
        flow = platform_flows.execute(self._client, action, args, idempotency_key)
        return await self._client._run(flow)


class AsyncEventsAPI(_AsyncAPI):
    """The platform's events as they come. In OSS mode `subscribe` raises `VendoOnlyFeature`."""

    __slots__ = ()

    def subscribe(self, max_backoff_sec: float = 30.0) -> _types.AsyncEventStream:
        """The events from now on, as an async iterator and async context manager; see
        `EventsAPI.subscribe`. Leaving either, or cancelling, closes the connection at once.
        """
        from vendo._client.async_events import AsyncEventStream

        return AsyncEventStream(self._client, max_backoff_sec)

    def watch(self) -> _types.EventWatch:
        """Keep the cached tokens true in the background, on a thread of its own; see
        `EventsAPI.watch`.
        """
        from vendo._client.event_watch import watch

        return watch(self._client)
