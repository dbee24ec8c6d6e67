"""The environment's proxies, as `urllib` finds them (`HTTPS_PROXY`, `NO_PROXY`, the system).

Importing `urllib.request` takes longer than a call. So `routes` imports this module only where
there may be a proxy.
"""

from __future__ import annotations

import time
from base64 import b64encode
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies, proxy_bypass

from vendo._config.environment import Variable, raw_values
from vendo.errors import invalid

#: The variables that urllib reads. It scans the whole environment, which takes as long as a call
#: over a kept connection, so its result is cached until one of these changes.
_VARIABLES = tuple(
    Variable(name) for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "http_proxy")
)
#: Seconds after which the settings of macOS and Windows are read again.
_SECONDS_REMEMBERED = 10.0


class Proxy(NamedTuple):
    """An HTTP proxy for tunnels."""

    host: str
    port: int
    headers: tuple[tuple[str, str], ...] = ()

    @property
    def url(self) -> str:
        """The address, without the password."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def __repr__(self) -> str:
        return f"Proxy({self.host!r}, {self.port})"  # the headers may contain a password


def proxy_for(scheme: str, host: str, port: int) -> Proxy | None:
    """Return the proxy for a host, or None.

    Raises:
        ValidationError: the environment sets a malformed proxy, or one that is not http.
    """
    period = time.monotonic() // _SECONDS_REMEMBERED
    return _looked_up(scheme, host, port, raw_values(_VARIABLES), period)


@lru_cache(maxsize=256)
def _looked_up(scheme: str, host: str, port: int, _seen: object, _period: float) -> Proxy | None:
    address = getproxies().get(scheme)
    if not address or proxy_bypass(f"{host}:{port}"):
        return None
    if "://" not in address:
        address = f"http://{address}"
    try:
        parts = urlsplit(address)
        proxy_host, proxy_port = parts.hostname, parts.port or 80
    except ValueError:
        proxy_host, proxy_port = None, 0
    if not proxy_host or parts.scheme != "http":
        name = f"{scheme.upper()}_PROXY"
        raise invalid(
            f"{name} is not the address of an http proxy.",
            fix=f"Set {name} to http://host:port, or add {host} to NO_PROXY.",
        )
    headers: tuple[tuple[str, str], ...] = ()
    if parts.username is not None:
        user = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        headers = (("Proxy-Authorization", f"Basic {b64encode(user).decode()}"),)
    return Proxy(proxy_host, proxy_port, headers)
