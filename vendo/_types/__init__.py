"""The types that annotations name, each imported when its annotation is read.

Importing `typing` would cost more than a whole first token, and some types are those of packages
that may not be installed, or of modules that import the one which names them. A module on the way
to a first token does not even import this one: it names `vendo._types`, and the package fetches it.
"""

from __future__ import annotations

__all__ = [
    "Any",
    "AsyncBillingAPI",
    "AsyncConnectionsAPI",
    "AsyncDataAPI",
    "AsyncEventStream",
    "AsyncEventsAPI",
    "AsyncIntegrationsAPI",
    "AsyncTransport",
    "AsyncVendo",
    "AuthBase",
    "BillingAPI",
    "ConnectionsAPI",
    "DataAPI",
    "EventStream",
    "EventWatch",
    "EventsAPI",
    "IntegrationsAPI",
    "Interceptor",
    "Iterable",
    "Mapping",
    "Self",
    "Sequence",
    "Slug",
    "TracebackType",
    "Transport",
    "Vendo",
    "VendoHttpxAuth",
    "WebhooksAPI",
    "aiohttp",
    "requests",
    "ssl",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, Self

    import aiohttp
    import requests
    from requests.auth import AuthBase

    from vendo._catalog.slug_type import Slug
    from vendo._client.apis import BillingAPI, ConnectionsAPI, DataAPI, EventsAPI, IntegrationsAPI
    from vendo._client.async_apis import (
        AsyncBillingAPI,
        AsyncConnectionsAPI,
        AsyncDataAPI,
        AsyncEventsAPI,
        AsyncIntegrationsAPI,
    )
    from vendo._client.async_events import AsyncEventStream
    from vendo._client.asynchronous import AsyncVendo
    from vendo._client.blocking import Vendo
    from vendo._client.event_watch import EventWatch
    from vendo._client.events import EventStream
    from vendo._client.webhooks import WebhooksAPI
    from vendo._sessions.httpx_auth import VendoHttpxAuth
    from vendo._transports.interfaces import AsyncTransport, Interceptor, Transport
else:
    #: What is in none of these is a module, named whole as in `requests.Session`.
    NAMES_OF_MODULE = {
        "collections.abc": ("Iterable", "Mapping", "Sequence"),
        "requests.auth": ("AuthBase",),
        "types": ("TracebackType",),
        "typing": ("Any", "Self"),
        "vendo._client.apis": (
            "BillingAPI",
            "ConnectionsAPI",
            "DataAPI",
            "EventsAPI",
            "IntegrationsAPI",
        ),
        "vendo._client.async_apis": (
            "AsyncBillingAPI",
            "AsyncConnectionsAPI",
            "AsyncDataAPI",
            "AsyncEventsAPI",
            "AsyncIntegrationsAPI",
        ),
        "vendo._client.asynchronous": ("AsyncVendo",),
        "vendo._client.async_events": ("AsyncEventStream",),
        "vendo._client.blocking": ("Vendo",),
        "vendo._client.event_watch": ("EventWatch",),
        "vendo._client.events": ("EventStream",),
        "vendo._sessions.httpx_auth": ("VendoHttpxAuth",),
        "vendo._transports.interfaces": ("AsyncTransport", "Interceptor", "Transport"),
        "vendo._catalog.slug_type": ("Slug",),
        "vendo._client.webhooks": ("WebhooksAPI",),
    }
    _MODULE_OF_NAME = {name: module for module, names in NAMES_OF_MODULE.items() for name in names}

    class _Missing:
        """A module that is not installed: all that it would have is `Any`."""

        def __getattr__(self, name: str) -> object:
            from typing import Any

            return Any

    def __getattr__(name: str) -> object:
        from importlib import import_module

        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = _MODULE_OF_NAME.get(name, name)
        try:
            home = import_module(module)
        except ImportError:
            if module.startswith("vendo."):
                raise
            home = _Missing()
        return home if module == name else getattr(home, name)
