"""What `request.state` holds: each stands in for a client until it is used.

Most requests use neither, and a malformed key is told to the one who uses it.
"""

from __future__ import annotations

from vendo import AsyncVendo, Vendo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    from vendo_starlette.clients import RequestClients

    _Reduced: TypeAlias = str | tuple[Any, ...]


class _StandIn:
    """Does all that the client does that it stands in for."""

    __slots__ = ("_clients",)

    def __init__(self, clients: RequestClients) -> None:
        # Not the scope: it holds this one, and would be freed by the garbage collector alone.
        self._clients = clients

    def _client(self) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client(), name)

    def __dir__(self) -> list[str]:
        return dir(self._client())

    def __repr__(self) -> str:
        return repr(self._client())

    def __eq__(self, other: object) -> bool:
        return bool(self._client() == (other._client() if isinstance(other, _StandIn) else other))

    def __hash__(self) -> int:
        return hash(self._client())

    def __copy__(self) -> Any:
        return self._client()

    def __deepcopy__(self, _memo: dict[int, Any]) -> Any:
        return self._client()

    def __reduce_ex__(self, protocol: Any) -> _Reduced:
        reduced: _Reduced = self._client().__reduce_ex__(protocol)
        return reduced


class AsyncClient(_StandIn):
    """`request.state.vendo`."""

    __slots__ = ()

    def _client(self) -> AsyncVendo:
        return self._clients.asynchronous()

    if not TYPE_CHECKING:

        @property
        def __class__(self):  # noqa: ANN204  # isinstance() asks for it
            return AsyncVendo


class BlockingClient(_StandIn):
    """`request.state.vendo_sync`."""

    __slots__ = ()

    def _client(self) -> Vendo:
        return self._clients.blocking()

    if not TYPE_CHECKING:

        @property
        def __class__(self):  # noqa: ANN204  # isinstance() asks for it
            return Vendo
