"""The way on which a URL is reached."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from vendo._transports.proxies import Proxy, proxy_for

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    #: (scheme, host, port, proxy): connections of the same route can stand in for each other.
    Route: TypeAlias = tuple[str, str, int, Proxy | None]


def route_of(url: str) -> Route:
    """The route on which a URL is reached, the environment's proxies included."""
    scheme, host, port, _ = parts_of(url)
    return scheme, host, port, proxy_for(scheme, host, port)


@lru_cache(maxsize=128)
def parts_of(url: str) -> tuple[str, str, int, str]:
    """Scheme, host and port of a URL, and the target that a request for it names."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port, target
