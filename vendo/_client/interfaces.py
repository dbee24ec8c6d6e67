"""What the sub-APIs and streams need of the client that they belong to."""

from __future__ import annotations

from typing import Protocol

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeVar

    from vendo._config.settings import Settings
    from vendo._protocol.steps import Flow
    from vendo._transports.blocking import BlockingTransport
    from vendo._transports.interfaces import AsyncTransport

    _T = TypeVar("_T")


class EventSource(Protocol):
    """A client, blocking or not, whose events are read in a thread."""

    @property
    def _root(self) -> EventSource: ...

    @property
    def _settings(self) -> Settings: ...

    def _stream_transport(self) -> BlockingTransport: ...


class Client(EventSource, Protocol):
    """A blocking client."""

    def _run(self, flow: Flow[_T]) -> _T: ...


class AsyncClient(EventSource, Protocol):
    """An asyncio client."""

    async def _run(self, flow: Flow[_T]) -> _T: ...

    def _opened_transport(self) -> AsyncTransport: ...
