"""The sub-APIs of the mock clients: each call is recorded and answered with what was given."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Literal

from vendo._client.apis import BillingAPI, ConnectionsAPI, DataAPI, IntegrationsAPI
from vendo._client.async_apis import (
    AsyncBillingAPI,
    AsyncConnectionsAPI,
    AsyncDataAPI,
    AsyncIntegrationsAPI,
)
from vendo._client.async_events import AsyncEventsAPI
from vendo._client.async_streams import AsyncEventStream
from vendo._client.event_watch import EventWatch
from vendo._client.events import EventsAPI
from vendo._client.streams import EventStream
from vendo._protocol.models import Balance, Connection, Integration, SpendCaps
from vendo._protocol.subscription import checked_backoff
from vendo.testing._mocks_canned import Canned, given_or_raised
from vendo.testing._mocks_events import MockAsyncEventStream, MockEventStream, MockEventWatch


def asked(client: Any, call: str, *details: Any) -> Canned:
    """Record a call and return the answers."""
    canned: Canned = vars(client)["_canned"]
    canned.calls.append((call, *details))
    return canned


def asked_vendo(client: Any, call: str, *details: Any) -> Canned:
    """The same for what there is in Vendo mode alone.

    Raises:
        VendoOnlyFeature: the mock stands for a client in OSS mode.
    """
    client._settings.required_key(call)
    return asked(client, call, *details)


class MockConnectionsAPI(ConnectionsAPI):
    __slots__ = ()

    def list(self) -> builtins.list[Connection]:
        return [*asked(self._client, "connections.list").connections]

    def get(self, slug: str) -> Connection | None:
        return asked(self._client, "connections.get", slug).connection(slug)

    def connected_slugs(self) -> builtins.list[str]:
        return asked(self._client, "connections.connected_slugs").connected_slugs()


class MockIntegrationsAPI(IntegrationsAPI):
    __slots__ = ()

    def list(self) -> builtins.list[Integration]:
        return [*asked(self._client, "integrations.list").integrations]

    def get(self, slug: str) -> Integration | None:
        return asked(self._client, "integrations.get", slug).integration(slug)


class MockBillingAPI(BillingAPI):
    __slots__ = ()

    def balance(self) -> Balance:
        return given_or_raised(asked_vendo(self._client, "billing.balance").balance)

    def spend_caps(self) -> SpendCaps:
        caps: SpendCaps = given_or_raised(
            asked_vendo(self._client, "billing.spend_caps").spend_caps
        )
        return caps

    def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        return {**asked_vendo(self._client, "billing.usage", period).usage}


class MockDataAPI(DataAPI):
    __slots__ = ()

    def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,  # noqa: ARG002  # the real one's signature
    ) -> Any:
        canned = asked_vendo(self._client, "data.execute", action, dict(args or {}))
        return canned.execute(action, args)


class MockEventsAPI(EventsAPI):
    __slots__ = ()

    def subscribe(self, max_backoff_sec: float = 30.0) -> EventStream:
        checked_backoff(max_backoff_sec)
        return MockEventStream(asked_vendo(self._client, "events.subscribe").events)

    def watch(self) -> EventWatch:
        asked_vendo(self._client, "events.watch")
        return MockEventWatch()


class MockAsyncConnectionsAPI(AsyncConnectionsAPI):
    __slots__ = ()

    async def list(self) -> builtins.list[Connection]:
        return [*asked(self._client, "connections.list").connections]

    async def get(self, slug: str) -> Connection | None:
        return asked(self._client, "connections.get", slug).connection(slug)

    async def connected_slugs(self) -> builtins.list[str]:
        return asked(self._client, "connections.connected_slugs").connected_slugs()


class MockAsyncIntegrationsAPI(AsyncIntegrationsAPI):
    __slots__ = ()

    async def list(self) -> builtins.list[Integration]:
        return [*asked(self._client, "integrations.list").integrations]

    async def get(self, slug: str) -> Integration | None:
        return asked(self._client, "integrations.get", slug).integration(slug)


class MockAsyncBillingAPI(AsyncBillingAPI):
    __slots__ = ()

    async def balance(self) -> Balance:
        return given_or_raised(asked_vendo(self._client, "billing.balance").balance)

    async def spend_caps(self) -> SpendCaps:
        caps: SpendCaps = given_or_raised(
            asked_vendo(self._client, "billing.spend_caps").spend_caps
        )
        return caps

    async def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        return {**asked_vendo(self._client, "billing.usage", period).usage}


class MockAsyncDataAPI(AsyncDataAPI):
    __slots__ = ()

    async def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,  # noqa: ARG002  # the real one's signature
    ) -> Any:
        canned = asked_vendo(self._client, "data.execute", action, dict(args or {}))
        return canned.execute(action, args)


class MockAsyncEventsAPI(AsyncEventsAPI):
    __slots__ = ()

    def subscribe(self, max_backoff_sec: float = 30.0) -> AsyncEventStream:
        checked_backoff(max_backoff_sec)
        return MockAsyncEventStream(asked_vendo(self._client, "events.subscribe").events)

    def watch(self) -> EventWatch:
        asked_vendo(self._client, "events.watch")
        return MockEventWatch()
