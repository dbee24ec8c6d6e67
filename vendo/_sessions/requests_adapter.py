"""The connections that all requests sessions of a client share, and tokens in the path of a URL.

A provider such as Telegram takes its token in the path. It is put there as late as the connection
itself, so that the URL of a request, which goes into logs, errors and `response.url`, never has it.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from requests import PreparedRequest
from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from vendo._transports.fork import on_fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from vendo._client.blocking import Vendo
    from vendo._sessions.placement import Placed

#: Connections to one host that are kept; further ones are opened, and closed after use.
_KEPT_CONNECTIONS = 64
_KEPT_HOSTS = 32


class TargetRequest(PreparedRequest):
    """A request whose path on the wire is another than that of its URL.

    Its URL and its `path_url` are without it, so that an adapter that knows nothing of it cannot
    log it. Requests copies a request for each redirect into one of its own class, so that the path
    never follows to another host.
    """

    target: Placed


def set_target(request: PreparedRequest, target: Placed) -> None:
    """Have a request sent with this path and query in place of those of its URL."""
    request.__class__ = TargetRequest  # the very object that requests is about to send
    request.__dict__["target"] = target


def drop_target(request: PreparedRequest) -> None:
    """Have a request sent with the path of its URL."""
    if isinstance(request, TargetRequest):
        request.__class__ = PreparedRequest  # type: ignore[assignment]  # back again
        del request.__dict__["target"]


def target_of(request: PreparedRequest) -> Placed | None:
    """What `set_target` put there."""
    return request.target if isinstance(request, TargetRequest) else None


class SharedAdapter(HTTPAdapter):
    """An adapter of several sessions, none of which closes it."""

    def __init__(self) -> None:
        super().__init__(_KEPT_HOSTS, _KEPT_CONNECTIONS)
        on_fork(self, SharedAdapter._after_fork)

    def close(self) -> None:
        """Do nothing: the session that is closed is one of several."""

    def really_close(self) -> None:
        """Close the kept connections. New ones are opened where a session is used again."""
        for manager in (self.poolmanager, *self.proxy_manager.values()):
            pools = [manager.pools.get(key) for key in manager.pools.keys()]  # noqa: SIM118  # no dict
            manager.clear()
            for pool in pools:
                if pool is not None:
                    pool.close()  # urllib3 would wait until no answer refers to it any more

    def _after_fork(self) -> None:
        self.proxy_manager = {}
        self.init_poolmanager(_KEPT_HOSTS, _KEPT_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """As in requests, with connections that take the path from the request's headers."""
        super().init_poolmanager(*args, **kwargs)
        _take_targets(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """As in requests, with connections that take the path from the request's headers."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        _take_targets(manager)
        return manager

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """What urllib3 is told to ask for. It logs that, and repeats it in its errors."""
        url: str = super().request_url(request, proxies)
        if isinstance(request, TargetRequest):
            is_whole = "://" in url[:8]  # for an http proxy
            origin = "{0.scheme}://{0.netloc}".format(urlsplit(url)) if is_whole else ""
            request.headers = _TargetHeaders(request.headers, f"{origin}{request.target}")
        elif isinstance(request.headers, _TargetHeaders):  # a copy of one that was redirected
            request.headers = CaseInsensitiveDict(request.headers)
        return url


def puts_targets_in(adapter: object) -> bool:
    """False for an adapter that would send the path of a request's URL in place of its target.

    What is no adapter of requests (a stand-in of a test, say) makes no connections to judge by.
    """
    return isinstance(adapter, SharedAdapter) or not isinstance(adapter, HTTPAdapter)


def shared_adapter(client: Vendo) -> SharedAdapter:
    """The adapter of a client and of all that are scoped out of it."""
    root = client._root
    found = _adapters.get(root)
    return _adapters.setdefault(root, SharedAdapter()) if found is None else found


def close_adapter(client: Vendo) -> None:
    """Close the kept connections of a client's sessions."""
    adapter = _adapters.get(client._root)
    if adapter is not None:
        adapter.really_close()


_adapters: WeakKeyDictionary[Vendo, SharedAdapter] = WeakKeyDictionary()


class _TargetHeaders(CaseInsensitiveDict[str]):
    """Headers that take the path along to the connection, through copies too."""

    def __init__(self, headers: Mapping[str, str], target: str) -> None:
        super().__init__(headers)
        self.target = target

    def copy(self) -> _TargetHeaders:
        return _TargetHeaders(self, self.target)

    def __reduce__(self) -> tuple[Any, ...]:
        return CaseInsensitiveDict, (dict(self),)  # a pickle is without the path


def _on_the_wire(url: str, headers: object) -> str:
    return headers.target if isinstance(headers, _TargetHeaders) else url


def _take_targets(manager: Any) -> None:
    """Have the connections of a pool manager, one of a proxy included, take the path from the
    request's headers.
    """
    manager.pool_classes_by_scheme = {
        scheme: _with_targets(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@lru_cache(maxsize=16)
def _with_targets(pool: Any) -> Any:
    """A pool like this one, of connections like its own."""
    if issubclass(pool, _Pool):
        return pool
    connection = type("_Connection", (_Connection, pool.ConnectionCls), {})
    return type("_Pool", (_Pool, pool), {"ConnectionCls": connection})


class _Pool:
    """What makes a pool of urllib3 one whose connections take the path from the headers."""


class _Connection:
    """The same of a connection."""

    def request(
        self, method: str, url: str, body: Any = None, headers: Any = None, **how: Any
    ) -> None:
        # In no variable: debug pages show those of the frames of an error.
        super().request(method, _on_the_wire(url, headers), body, headers, **how)  # type: ignore[misc]  # of urllib3
