"""The types that annotations name, each imported when its annotation is read.

Importing `typing` would cost more than a whole first token, and some types are those of packages
that may not be installed, or of modules that import the one which names them. A module on the way
to a first token does not even import this one: it names `vendo._types`, and the package fetches it.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl as ssl
    from collections.abc import Iterable as Iterable
    from collections.abc import Mapping as Mapping
    from collections.abc import Sequence as Sequence
    from types import TracebackType as TracebackType
    from typing import Any as Any
    from typing import Self as Self

    import aiohttp as aiohttp
    import requests as requests
    from requests.auth import AuthBase as AuthBase

    from vendo._apis import BillingAPI as BillingAPI
    from vendo._apis import ConnectionsAPI as ConnectionsAPI
    from vendo._apis import DataAPI as DataAPI
    from vendo._apis import EventsAPI as EventsAPI
    from vendo._apis import IntegrationsAPI as IntegrationsAPI
    from vendo._async_apis import AsyncBillingAPI as AsyncBillingAPI
    from vendo._async_apis import AsyncConnectionsAPI as AsyncConnectionsAPI
    from vendo._async_apis import AsyncDataAPI as AsyncDataAPI
    from vendo._async_apis import AsyncEventsAPI as AsyncEventsAPI
    from vendo._async_apis import AsyncIntegrationsAPI as AsyncIntegrationsAPI
    from vendo._async_client import AsyncVendo as AsyncVendo
    from vendo._async_events import AsyncEventStream as AsyncEventStream
    from vendo._client import Vendo as Vendo
    from vendo._event_watch import EventWatch as EventWatch
    from vendo._events import EventStream as EventStream
    from vendo._httpx_auth import VendoHttpxAuth as VendoHttpxAuth
    from vendo._interfaces import AsyncTransport as AsyncTransport
    from vendo._interfaces import Interceptor as Interceptor
    from vendo._interfaces import Transport as Transport
    from vendo._slugs import Slug as Slug
    from vendo._webhooks import WebhooksAPI as WebhooksAPI
else:
    #: Modules that are named whole, as in `requests.Session`.
    MODULES = ("aiohttp", "requests", "ssl")
    NAMES_OF_MODULE = {
        "collections.abc": ("Iterable", "Mapping", "Sequence"),
        "requests.auth": ("AuthBase",),
        "types": ("TracebackType",),
        "typing": ("Any", "Self"),
        "vendo._apis": (
            "BillingAPI",
            "ConnectionsAPI",
            "DataAPI",
            "EventsAPI",
            "IntegrationsAPI",
        ),
        "vendo._async_apis": (
            "AsyncBillingAPI",
            "AsyncConnectionsAPI",
            "AsyncDataAPI",
            "AsyncEventsAPI",
            "AsyncIntegrationsAPI",
        ),
        "vendo._async_client": ("AsyncVendo",),
        "vendo._async_events": ("AsyncEventStream",),
        "vendo._client": ("Vendo",),
        "vendo._event_watch": ("EventWatch",),
        "vendo._events": ("EventStream",),
        "vendo._httpx_auth": ("VendoHttpxAuth",),
        "vendo._interfaces": ("AsyncTransport", "Interceptor", "Transport"),
        "vendo._slugs": ("Slug",),
        "vendo._webhooks": ("WebhooksAPI",),
    }
    _MODULE_OF_NAME = {name: module for module, names in NAMES_OF_MODULE.items() for name in names}

    class _Missing:
        """A module that is not installed: all that it would have is `Any`."""

        def __getattr__(self, name: str) -> object:
            from typing import Any

            return Any

    def __getattr__(name: str) -> object:
        from importlib import import_module

        module = name if name in MODULES else _MODULE_OF_NAME.get(name)
        if module is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        try:
            home = import_module(module)
        except ImportError:
            if module.startswith("vendo."):
                raise
            home = _Missing()
        return home if name in MODULES else getattr(home, name)
