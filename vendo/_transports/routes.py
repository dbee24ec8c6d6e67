"""How a URL is reached."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from vendo._transports.proxies import Proxy, proxy_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    #: (scheme, host, port, proxy). Connections of one route are interchangeable.
    Route: TypeAlias = tuple[str, str, int, Proxy | None]


def route_of(url: str) -> Route:
    """Return the route of a URL, with the environment's proxy."""
    scheme, host, port, _ = parts_of(url)
    return scheme, host, port, proxy_for(scheme, host, port)


@lru_cache(maxsize=128)
def parts_of(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and request target of a URL."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port, target
