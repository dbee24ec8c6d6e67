"""A proxy that takes a client's place in a request, and makes the client when it is first used.

Most requests never use their client, and a malformed key fails in the code that uses it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, TypeAlias

TYPE_CHECKING = False

_Reduced: TypeAlias = str | tuple[Any, ...]


class LazyProxy(ABC):
    """Pass everything on to the client that a subclass returns.

    `isinstance(proxy, Vendo)` is True, because `isinstance` reads `__class__`, as it does for
    `werkzeug.local.LocalProxy` and `unittest.mock`. Nothing else depends on that. A subclass has
    the methods `_class`, which returns the client's class, and `_client`, which returns the client.

    Example:
        ```python
        import vendo
        from vendo.web import LazyProxy

        class Lazy(LazyProxy):
            @staticmethod
            def _class():
                return vendo.Vendo

            def _client(self):
                return vendo.Vendo()  # keep it on the request

        print(isinstance(Lazy(), vendo.Vendo), len(Lazy().token("openai")))
        ```
    """

    __slots__ = ()

    @staticmethod
    @abstractmethod
    def _class() -> type:
        """Return the client's class."""

    @abstractmethod
    def _client(self) -> Any:
        """Return the client."""

    if not TYPE_CHECKING:

        @property
        def __class__(self):  # noqa: ANN204  # its type differs from that of `object.__class__`
            return type(self)._class()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        # What a test replaces is the client's. Anything else would stay on it after the request.
        if hasattr(type(self)._class(), name):
            setattr(self._client(), name, value)
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._client(), name)

    def __dir__(self) -> list[str]:
        return dir(self._client())

    def __repr__(self) -> str:
        return repr(self._client())

    def __eq__(self, other: object) -> bool:
        return bool(self._client() == (other._client() if isinstance(other, LazyProxy) else other))

    def __hash__(self) -> int:
        return hash(self._client())

    def __copy__(self) -> Any:
        return self._client()

    def __deepcopy__(self, _memo: dict[int, Any]) -> Any:
        return self._client()

    def __reduce_ex__(self, protocol: Any) -> _Reduced:
        reduced: _Reduced = self._client().__reduce_ex__(protocol)
        return reduced
