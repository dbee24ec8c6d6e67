"""Authenticated `AsyncClient`s of httpx2 or httpx that share their connections.

A client of these libraries opens connections of its own, and for https first reads the certificates
of all authorities. A client for a request uses the application's connections instead.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections.abc import AsyncGenerator
from functools import lru_cache
from importlib import import_module
from importlib.util import find_spec
from types import ModuleType
from typing import Any, TypeAlias
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

import vendo
from vendo.web import httpx_auth_without_proxies, provider_base_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    import httpx2

    #: A request, a response or a transport of either library.
    _Request: TypeAlias = Any
    _Response: TypeAlias = Any
    _Transport: TypeAlias = Any

#: Kept connections, as many as for requests sessions, and the seconds that they may idle.
_KEPT_CONNECTIONS = 64
_IDLE_SECONDS = 15.0


def make_httpx(
    client: vendo.AsyncVendo,
    pools: Pools,
    slug: str,
    *,
    hosts: tuple[str, ...] = (),
    base_url: str | None = None,
    override: bool = False,
) -> httpx2.AsyncClient:
    """Return an `AsyncClient` over the connections that the application has in this event loop.

    Raises:
        MissingExtra: neither library is installed.
        ValidationError: the slug, a host or the base URL is malformed.
    """
    if base_url is not None:
        base_url = provider_base_url(slug, base_url)
        hosts = (*hosts, _host_of(base_url or ""))
    auth = httpx_auth_without_proxies(client, slug, hosts, override=override)
    library = import_module("httpx2" if find_spec("httpx2") else "httpx")
    made: httpx2.AsyncClient = library.AsyncClient(
        auth=auth,
        base_url=_parsed(
            library,
            (provider_base_url(slug, client=client) if base_url is None else base_url) or "",
        ),
        timeout=client.timeout,
        transport=_shared_transport(library)(pools.of_loop(library)),
    )
    return made


@lru_cache(64)
def _parsed(library: ModuleType, base_url: str) -> httpx2.URL:
    """Return a base URL with the slash that a client adds. Parsing takes half of the time."""
    url: httpx2.URL = library.URL(f"{base_url}/" if base_url else "")
    return url


def _host_of(base_url: str) -> str:
    """Return the host with its port: a token for one port is not for another."""
    parts = urlsplit(base_url)
    usual = 443 if parts.scheme == "https" else 80
    return parts.netloc if parts.port else f"{parts.netloc.rstrip(':')}:{usual}"


class Pools:
    """The connections of an application, separate for each event loop."""

    def __init__(self) -> None:
        self._of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopPool] = WeakKeyDictionary()

    def of_loop(self, library: ModuleType) -> _LoopPool:
        """Return those of the running loop."""
        loop = asyncio.get_running_loop()
        found = self._of_loop.get(loop)
        if found is None or found.library is not library:
            found = self._of_loop[loop] = _LoopPool(library)
        return found

    async def aclose(self) -> None:
        """Close those of the running loop."""
        found = self._of_loop.pop(asyncio.get_running_loop(), None)
        if found is not None:
            await found.aclose()


#: What a forked child has of its parent.
_inherited: list[object] = []


class _LoopPool:
    """The transports of one event loop: one for direct connections, one for each proxy.

    A forked child does not use those of its parent. It does not close them either: that would
    remove them from the event loop of the parent, since the two share its selector.

    They are closed with the loop, also where the application is not closed: `asyncio.run` closes
    the asynchronous generators that its loop has started, so one of them waits for that.
    """

    def __init__(self, library: ModuleType) -> None:
        self.library = library
        self._context: ssl.SSLContext | None = None
        self._transports: dict[str | None, _Transport] = {}
        self._process = os.getpid()
        self._end: AsyncGenerator[None] | None = None

    async def transport(self, url: str) -> _Transport:
        """Return the transport for a URL, as the proxy variables are at this moment."""
        self._drop_inherited()
        proxy = _proxy_of(url)
        found = self._transports.get(proxy)
        if found is None:
            found = self._transports[proxy] = self._made(proxy)
        if self._end is None:
            self._end = self._wait_for_end()
            await anext(self._end)
        return found

    def _drop_inherited(self) -> None:
        if self._process != os.getpid():
            _inherited.append(self._transports)
            self._process, self._transports = os.getpid(), {}

    async def aclose(self) -> None:
        """Close the connections."""
        if self._end is not None:
            await self._end.aclose()

    async def _wait_for_end(self) -> AsyncGenerator[None]:
        try:
            yield
        finally:
            self._end = None
            self._drop_inherited()
            transports = list(self._transports.values())
            self._transports.clear()
            for transport in transports:
                await transport.aclose()

    def _made(self, proxy: str | None) -> _Transport:
        library = self.library
        if self._context is None:
            self._context = library.create_ssl_context()
        return library.AsyncHTTPTransport(
            verify=self._context,
            proxy=proxy,
            limits=library.Limits(
                max_connections=None,
                max_keepalive_connections=_KEPT_CONNECTIONS,
                keepalive_expiry=_IDLE_SECONDS,
            ),
        )


def _proxy_of(url: str) -> str | None:
    """Return the environment's proxy for a URL. The libraries use it only with transports of their
    own. Plain http goes to this machine only, and a proxy elsewhere would see the token.
    """
    parts = urlsplit(url)
    if parts.scheme != "https":
        return None
    from urllib.request import getproxies, proxy_bypass  # larger than the rest of this module

    proxies = getproxies()
    proxy = proxies.get("https") or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


@lru_cache(maxsize=2)
def _shared_transport(library: Any) -> Any:
    """Return a transport class of one library, over a pool that it does not close."""

    class SharedTransport(library.AsyncBaseTransport):  # type: ignore[misc]  # of either library
        def __init__(self, pool: _LoopPool) -> None:
            self._pool = pool

        async def handle_async_request(self, request: _Request) -> _Response:
            transport = await self._pool.transport(str(request.url))
            return await transport.handle_async_request(request)

    return SharedTransport
