"""The adapters that all requests sessions of a client share, so that they share its connections."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from requests.adapters import HTTPAdapter

from vendo._transports.fork import notice, on_fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from requests import PreparedRequest, Response

    from vendo._sessions.token_source import TokenSource

#: Idle connections to one host that are kept. Further ones are opened, and closed after use.
_KEPT_CONNECTIONS = 64
_KEPT_HOSTS = 32


class SharedAdapter(HTTPAdapter):
    """The adapter of requests, shared by sessions. Closing one of them does not close it."""

    def __init__(self) -> None:
        super().__init__(_KEPT_HOSTS, _KEPT_CONNECTIONS)
        on_fork(self, SharedAdapter._after_fork)

    def send(self, request: PreparedRequest, *args: Any, **how: Any) -> Response:
        """Do as requests does, on a connection of this process."""
        notice()
        return super().send(request, *args, **how)

    def close(self) -> None:
        """Do nothing: other sessions use it."""

    def close_connections(self) -> None:
        """Close the kept connections. A session that is used again opens new ones."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            pools = [manager.pools.get(key) for key in manager.pools.keys()]  # noqa: SIM118  # not a dict
            manager.clear()
            for pool in pools:
                if pool is not None:
                    pool.close()  # urllib3 would wait until no response refers to it

    def _after_fork(self) -> None:
        self.proxy_manager = {}
        self.init_poolmanager(_KEPT_HOSTS, _KEPT_CONNECTIONS)


#: By client.
_adapters: WeakKeyDictionary[object, dict[type[SharedAdapter], SharedAdapter]] = WeakKeyDictionary()


def shared_adapter(client: TokenSource, kind: type[SharedAdapter] = SharedAdapter) -> SharedAdapter:
    """Return the adapter of a client, and of all that are scoped from it."""
    of_client = _adapters.get(client._root)
    if of_client is None:
        of_client = _adapters.setdefault(client._root, {})
    found = of_client.get(kind)
    return of_client.setdefault(kind, kind()) if found is None else found


def close_adapter(client: TokenSource) -> None:
    """Close the kept connections of a client's sessions."""
    for adapter in list(_adapters.get(client._root, {}).values()):
        adapter.close_connections()
