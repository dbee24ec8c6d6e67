"""What a request holds in the place of a client, since most requests never ask for one."""

from __future__ import annotations

from typing import Any, TypeAlias

_Reduced: TypeAlias = str | tuple[Any, ...]


class StandIn:
    """Does all that the client does that it stands in for.

    A subclass says in `_client` how that one is made, which is when it is first used, so that a
    malformed key is told to the one who uses it.
    """

    __slots__ = ()

    def _client(self) -> Any:
        raise NotImplementedError

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client(), name)

    def __dir__(self) -> list[str]:
        return dir(self._client())

    def __repr__(self) -> str:
        return repr(self._client())

    def __eq__(self, other: object) -> bool:
        return bool(self._client() == (other._client() if isinstance(other, StandIn) else other))

    def __hash__(self) -> int:
        return hash(self._client())

    def __copy__(self) -> Any:
        return self._client()

    def __deepcopy__(self, _memo: dict[int, Any]) -> Any:
        return self._client()

    def __reduce_ex__(self, protocol: Any) -> _Reduced:
        reduced: _Reduced = self._client().__reduce_ex__(protocol)
        return reduced
