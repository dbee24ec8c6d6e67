"""The clients `Vendo` and `AsyncVendo`, their sub-APIs, and the default client of the package.

A client joins settings, the token cache and a transport. It is handed slugs, headers and bodies by
callers, and nothing of a framework. The public modules and `vendo.web` call it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._catalog.slug_type import Slug
    from vendo._client.apis import BillingAPI, ConnectionsAPI, DataAPI, IntegrationsAPI
    from vendo._client.async_apis import (
        AsyncBillingAPI,
        AsyncConnectionsAPI,
        AsyncDataAPI,
        AsyncIntegrationsAPI,
    )
    from vendo._client.async_events import AsyncEventsAPI
    from vendo._client.events import EventsAPI
    from vendo._client.webhooks import WebhooksAPI
    from vendo._sessions.httpx_auth import VendoHttpxAuth
    from vendo._transports.interfaces import AsyncTransport, Transport

__all__ = [
    "AsyncBillingAPI",
    "AsyncConnectionsAPI",
    "AsyncDataAPI",
    "AsyncEventsAPI",
    "AsyncIntegrationsAPI",
    "AsyncTransport",
    "BillingAPI",
    "ConnectionsAPI",
    "DataAPI",
    "EventsAPI",
    "IntegrationsAPI",
    "Slug",
    "Transport",
    "VendoHttpxAuth",
    "WebhooksAPI",
]

if not TYPE_CHECKING:
    #: The clients' annotations name these. Each is imported when one is read, or when it is used.
    MODULE_OF_NAME = {
        "AsyncBillingAPI": "vendo._client.async_apis",
        "AsyncConnectionsAPI": "vendo._client.async_apis",
        "AsyncDataAPI": "vendo._client.async_apis",
        "AsyncEventsAPI": "vendo._client.async_events",
        "AsyncIntegrationsAPI": "vendo._client.async_apis",
        "AsyncTransport": "vendo._transports.interfaces",
        "BillingAPI": "vendo._client.apis",
        "ConnectionsAPI": "vendo._client.apis",
        "DataAPI": "vendo._client.apis",
        "EventsAPI": "vendo._client.events",
        "IntegrationsAPI": "vendo._client.apis",
        "Slug": "vendo._catalog.slug_type",
        "Transport": "vendo._transports.interfaces",
        "VendoHttpxAuth": "vendo._sessions.httpx_auth",
        "WebhooksAPI": "vendo._client.webhooks",
    }

    def __getattr__(name: str) -> object:
        module = MODULE_OF_NAME.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(module), name)
