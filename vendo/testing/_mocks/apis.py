"""The sub-APIs of the mock clients. Their documentation is that of the real ones."""

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
from vendo._protocol.secret import masked
from vendo.testing._mocks.canned import Canned
from vendo.testing._mocks.events import MockAsyncEventStream, MockEventStream, MockEventWatch


def _canned(client: Any) -> Canned:
    canned: Canned = vars(client)["_canned"]
    return canned


class MockConnectionsAPI(ConnectionsAPI):
    def list(self) -> builtins.list[Connection]:
        return _canned(self._client).list_connections()

    def get(self, slug: str) -> Connection | None:
        return _canned(self._client).get_connection(slug)

    def connected_slugs(self) -> builtins.list[str]:
        return _canned(self._client).connected_slugs()

    def wait(self, slug: str, *, timeout: float = 300.0) -> Connection:
        return _canned(self._client).wait(slug, timeout)


class MockIntegrationsAPI(IntegrationsAPI):
    def list(self) -> builtins.list[Integration]:
        return _canned(self._client).list_integrations()

    def get(self, slug: str) -> Integration | None:
        return _canned(self._client).get_integration(slug)


class MockBillingAPI(BillingAPI):
    def balance(self) -> Balance:
        return _canned(self._client).get_balance()

    def spend_caps(self) -> SpendCaps:
        return _canned(self._client).get_spend_caps()

    def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        return _canned(self._client).get_usage(period)


class MockDataAPI(DataAPI):
    def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,  # noqa: ARG002  # the real one's signature
    ) -> Any:
        return _canned(self._client).execute(action, args)


class MockEventsAPI(EventsAPI):
    def subscribe(self, max_backoff_sec: float = 30.0) -> EventStream:
        return MockEventStream(_canned(self._client).subscribe(max_backoff_sec))

    def watch(self, redis_url: str | None = None) -> EventWatch:
        redis_url = masked(redis_url)
        _canned(self._client).watch()
        return MockEventWatch("stream" if redis_url is None else "redis")


class MockAsyncConnectionsAPI(AsyncConnectionsAPI):
    async def list(self) -> builtins.list[Connection]:
        return _canned(self._client).list_connections()

    async def get(self, slug: str) -> Connection | None:
        return _canned(self._client).get_connection(slug)

    async def connected_slugs(self) -> builtins.list[str]:
        return _canned(self._client).connected_slugs()

    async def wait(self, slug: str, *, timeout: float = 300.0) -> Connection:
        return _canned(self._client).wait(slug, timeout)


class MockAsyncIntegrationsAPI(AsyncIntegrationsAPI):
    async def list(self) -> builtins.list[Integration]:
        return _canned(self._client).list_integrations()

    async def get(self, slug: str) -> Integration | None:
        return _canned(self._client).get_integration(slug)


class MockAsyncBillingAPI(AsyncBillingAPI):
    async def balance(self) -> Balance:
        return _canned(self._client).get_balance()

    async def spend_caps(self) -> SpendCaps:
        return _canned(self._client).get_spend_caps()

    async def usage(self, period: Literal["day", "month"] = "month") -> dict[str, Any]:
        return _canned(self._client).get_usage(period)


class MockAsyncDataAPI(AsyncDataAPI):
    async def execute(
        self,
        action: str,
        args: Mapping[str, Any] | None = None,
        *,
        idempotency_key: str | None = None,  # noqa: ARG002  # the real one's signature
    ) -> Any:
        return _canned(self._client).execute(action, args)


class MockAsyncEventsAPI(AsyncEventsAPI):
    def subscribe(self, max_backoff_sec: float = 30.0) -> AsyncEventStream:
        return MockAsyncEventStream(_canned(self._client).subscribe(max_backoff_sec))

    def watch(self, redis_url: str | None = None) -> EventWatch:
        redis_url = masked(redis_url)
        _canned(self._client).watch()
        return MockEventWatch("stream" if redis_url is None else "redis")
