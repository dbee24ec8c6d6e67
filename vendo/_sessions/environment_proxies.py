"""Proxies of the environment, which must not see a token, in a session that is not ours.

Plain http goes only to this machine, and our sessions use no proxy for it. Another library's client
chooses its proxy where an `auth=` cannot see it. So the environment decides whether it may be used.
"""

from __future__ import annotations

import sys
from urllib.parse import urlsplit
from urllib.request import getproxies

from vendo._config.environment import Variable, raw_values
from vendo.errors import invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.errors import ValidationError

#: `getproxies` looks at the whole environment, for each request of an SDK.
_VARIABLES = tuple(
    Variable(name) for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
)
_HAS_PROXY_SETTINGS = sys.platform in {"darwin", "win32"}


def is_proxied(url: str) -> bool:
    """True if a client that follows the environment may send a URL of plain http to a proxy.

    The libraries read patterns in `NO_PROXY` differently. All of them know `*` and a whole host.
    """
    if url.startswith("https:") or not (_HAS_PROXY_SETTINGS or any(raw_values(_VARIABLES))):
        return False
    parts = urlsplit(url)
    if parts.scheme != "http":
        return False
    proxies = getproxies()
    if not (proxies.get("http") or proxies.get("all")):
        return False
    direct = {host.strip().lower() for host in proxies.get("no", "").split(",")}
    return direct.isdisjoint({"*", parts.hostname})


def would_be_proxied(slug: str, url: str) -> ValidationError:
    """Return the error of a token that a proxy would see."""
    return invalid(
        f"The token for {slug} is not sent over plain http through a proxy, and HTTP_PROXY or "
        "ALL_PROXY is set.",
        slug=slug,
        fix=f"Add {urlsplit(url).hostname} to NO_PROXY, or use session({slug!r}) of the client, "
        "which uses no proxy for plain http.",
    )
