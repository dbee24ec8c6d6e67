"""What `request.state` contains until it is used: most requests use neither client."""

from __future__ import annotations

from vendo import AsyncVendo, Vendo
from vendo.web import LazyProxy
from vendo_starlette.clients import RequestClients


class _LazyClient(LazyProxy):
    __slots__ = ("_clients",)

    def __init__(self, clients: RequestClients) -> None:
        # Not the scope: a circle of references is freed by the garbage collector alone.
        self._clients = clients


class LazyAsyncClient(_LazyClient):
    """`request.state.vendo`."""

    __slots__ = ()

    proxied_class = AsyncVendo

    def _client(self) -> AsyncVendo:
        return self._clients.asynchronous()


class LazyBlockingClient(_LazyClient):
    """`request.state.vendo_sync`."""

    __slots__ = ()

    proxied_class = Vendo

    def _client(self) -> Vendo:
        return self._clients.blocking()
