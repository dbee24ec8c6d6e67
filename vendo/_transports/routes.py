"""How a URL is reached."""

from __future__ import annotations

import sys
from functools import lru_cache
from urllib.parse import urlsplit

from vendo._config.environment import Variable, raw_values
from vendo._protocol.origins import is_loopback

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from vendo._transports.proxies import Proxy

    #: (scheme, host, port, proxy). Connections of one route are interchangeable.
    Route: TypeAlias = tuple[str, str, int, Proxy | None]

_PROXY_VARIABLES = tuple(
    Variable(name) for name in ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY")
)
_HAS_PROXY_SETTINGS = sys.platform in {"darwin", "win32"}


def route_of(url: str) -> Route:
    """Return the route of a URL, with the proxy of the environment or the system.

    Plain http goes only to loopback, and never through a proxy, which would see the key.

    Raises:
        ValidationError: as for `proxy_for`.
    """
    scheme, host, port, _ = parts_of(url)
    if _is_reached_directly(scheme, host) or not _may_have_proxy():
        return scheme, host, port, None
    from vendo._transports.proxies import proxy_for  # imports `urllib.request`

    return scheme, host, port, proxy_for(scheme, host, port)


@lru_cache(maxsize=128)
def parts_of(url: str) -> tuple[str, str, int, str]:
    """Return scheme, host, port and request target of a URL."""
    parts = urlsplit(url)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, parts.hostname or "", port, target


@lru_cache(maxsize=256)
def _is_reached_directly(scheme: str, host: str) -> bool:
    return scheme == "http" and is_loopback(host)


def _may_have_proxy() -> bool:
    return _HAS_PROXY_SETTINGS or any(raw_values(_PROXY_VARIABLES))
