"""Tokens in the path of a URL, for requests. Telegram is such a provider.

The URL of a request appears in logs, in errors and in `response.url`. urllib3 logs the URL that it
is given, and tools that trace `http.client` report it. So the connection inserts the token into the
bytes that it sends, the last step before the wire. The request's headers carry the target to it.
Sessions of other providers do not use this module.
"""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from requests.adapters import HTTPAdapter
from requests.structures import CaseInsensitiveDict

from vendo._protocol.secret import WireSecret
from vendo._sessions.requests_adapter import SharedAdapter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from requests import PreparedRequest


class TargetHeaders(CaseInsensitiveDict[str]):
    """Headers that carry the target of one URL. A copy does too, and a pickle does not."""

    def __init__(self, headers: Mapping[str, str], url: str | None, target: WireSecret) -> None:
        super().__init__(headers)
        self.url = url
        self.target = target
        #: Scheme and host, for an http proxy, which is sent the whole URL.
        self.origin = ""

    def copy(self) -> TargetHeaders:
        """Copy them, as urllib3 does before it sends."""
        twin = TargetHeaders(self, self.url, self.target)
        twin.origin = self.origin
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        return CaseInsensitiveDict, (dict(self),)


def set_target(request: PreparedRequest, target: WireSecret) -> None:
    """Have a request sent with this path and query in place of those of its URL."""
    request.headers = TargetHeaders(request.headers, request.url, target)


def drop_target(request: PreparedRequest) -> None:
    """Have a request sent with the path of its URL."""
    if isinstance(request.headers, TargetHeaders):
        request.headers = CaseInsensitiveDict(request.headers)


def target_of(request: PreparedRequest) -> WireSecret | None:
    """Return the target of a request, or None."""
    return request.headers.target if isinstance(request.headers, TargetHeaders) else None


class PathAdapter(SharedAdapter):
    """An adapter whose connections send the target of a request."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Do as requests does, with pools that send targets."""
        super().init_poolmanager(*args, **kwargs)
        _send_targets(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        """Do as requests does, with pools that send targets."""
        manager = super().proxy_manager_for(proxy, **kwargs)
        _send_targets(manager)
        return manager

    def request_url(self, request: PreparedRequest, proxies: Any) -> str:
        """Return what urllib3 requests, and logs. The target of another URL is dropped."""
        url: str = super().request_url(request, proxies)
        if isinstance(request.headers, TargetHeaders):
            if request.headers.url != request.url:
                drop_target(request)
            elif "://" in url[:8]:
                request.headers.origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        return url


def sends_targets(adapter: object) -> bool:
    """False for an `HTTPAdapter` that would send, and log, the path of the URL instead.

    Other objects, such as a fake adapter in a test, open no connections.
    """
    return isinstance(adapter, PathAdapter) or not isinstance(adapter, HTTPAdapter)


def _send_targets(manager: Any) -> None:
    manager.pool_classes_by_scheme = {
        scheme: _pool_with_targets(pool) for scheme, pool in manager.pool_classes_by_scheme.items()
    }


@lru_cache(maxsize=16)
def _pool_with_targets(pool: Any) -> Any:
    if hasattr(pool, "sends_targets"):
        return pool

    class Pool(pool):  # type: ignore[misc]  # of urllib3
        sends_targets = True

        @property
        def ConnectionCls(self) -> Any:  # noqa: N802  # urllib3 reads it for each new connection
            return _connection_with_targets(pool.ConnectionCls)

    return Pool


@lru_cache(maxsize=16)
def _connection_with_targets(connection: Any) -> Any:
    is_of_http_client = connection.send.__module__ == "http.client"

    class Connection(connection):  # type: ignore[misc]  # of urllib3
        target: WireSecret | None = None

        def request(
            self, method: str, url: str, body: Any = None, headers: Any = None, **how: Any
        ) -> None:
            self.target = None
            if isinstance(headers, TargetHeaders):
                target = WireSecret(f"{headers.origin}{headers.target}", headers.target.secret)
                if is_of_http_client:
                    self.target = target
                else:
                    url = target  # such as a connection of VCR.py, which writes no bytes
            super().request(method, url, body, headers, **how)

        def send(self, data: Any) -> None:
            target, self.target = self.target, None
            super().send(data if target is None else _to_target(data, target))

    return Connection


def _to_target(head: bytes, target: WireSecret) -> bytes:
    """Return the head of a request with another target."""
    method, _, rest = head.partition(b" ")
    return b" ".join([method, target.encode("ascii"), rest.partition(b" ")[2]])
