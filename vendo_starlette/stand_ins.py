"""What `request.state` holds: each stands in for a client until it is used."""

from __future__ import annotations

from vendo import AsyncVendo, Vendo
from vendo.web import StandIn
from vendo_starlette.clients import RequestClients

TYPE_CHECKING = False


class _Client(StandIn):
    __slots__ = ("_clients",)

    def __init__(self, clients: RequestClients) -> None:
        # Not the scope: it holds this one, and would be freed by the garbage collector alone.
        self._clients = clients


class AsyncClient(_Client):
    """`request.state.vendo`."""

    __slots__ = ()

    def _client(self) -> AsyncVendo:
        return self._clients.asynchronous()

    if not TYPE_CHECKING:

        @property
        def __class__(self):  # noqa: ANN204  # isinstance() asks for it
            return AsyncVendo


class BlockingClient(_Client):
    """`request.state.vendo_sync`."""

    __slots__ = ()

    def _client(self) -> Vendo:
        return self._clients.blocking()

    if not TYPE_CHECKING:

        @property
        def __class__(self):  # noqa: ANN204  # isinstance() asks for it
            return Vendo
