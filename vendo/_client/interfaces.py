"""What the sub-APIs need of the client that they belong to."""

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


class Client(Protocol):
    """A blocking client."""

    _settings: Settings

    def _run(self, flow: Flow[_T]) -> _T: ...

    def _stream_transport(self) -> BlockingTransport: ...


class AsyncClient(Protocol):
    """An asyncio client."""

    _settings: Settings

    async def _run(self, flow: Flow[_T]) -> _T: ...

    def _opened_transport(self) -> AsyncTransport: ...

    def _stream_transport(self) -> BlockingTransport: ...
