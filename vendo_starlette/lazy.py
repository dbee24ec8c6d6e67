"""What `request.state` contains until it is used: most requests use neither client."""

from __future__ import annotations

import vendo
from vendo.web import LazyProxy
from vendo_starlette.clients import RequestClients


class _LazyClient(LazyProxy):
    __slots__ = ("_clients",)

    _clients: RequestClients

    def __init__(self, clients: RequestClients) -> None:
        # Not the scope: a circle of references is freed by the garbage collector alone.
        object.__setattr__(self, "_clients", clients)  # each request does this twice


class LazyAsyncClient(_LazyClient):
    """`request.state.vendo`."""

    __slots__ = ()

    @staticmethod
    def _class() -> type:
        return vendo.AsyncVendo

    def _client(self) -> vendo.AsyncVendo:
        return self._clients.asynchronous()


class LazyBlockingClient(_LazyClient):
    """`request.state.vendo_sync`."""

    __slots__ = ()

    @staticmethod
    def _class() -> type:
        return vendo.Vendo

    def _client(self) -> vendo.Vendo:
        return self._clients.blocking()
