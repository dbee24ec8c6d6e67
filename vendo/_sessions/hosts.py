"""Hosts that a token may be sent to: patterns of callers and the catalog, and hosts of URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urljoin

from vendo._protocol.origins import ascii_host, is_loopback, origin_of
from vendo.errors import invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from vendo._protocol.origins import Origin

    #: (host, or `*.` and a domain; port, or None for any).
    Pattern: TypeAlias = tuple[str, int | None]

_HOST = re.compile(
    r"(?:(?P<any>\*\.)(?=[^.]+\.))?"  # not `*.com`
    r"(?P<name>[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)


_HTTP_SCHEMES = {"ws": "http", "wss": "https"}


def checked_hosts(hosts: object) -> tuple[Pattern, ...]:
    """Check `hosts=`, and return its patterns.

    Raises:
        ValidationError: not a list of hosts.
    """
    if isinstance(hosts, str):
        raise invalid(
            "hosts= must be a list of hosts, not one string.", fix=f"Write hosts=[{hosts[:100]!r}]."
        )
    if not isinstance(hosts, Iterable):
        raise invalid(
            f"hosts= must be a list of hosts, not a value of type {type(hosts).__name__}.",
            fix="Write hosts=['api.example.com'], or leave it out.",
        )
    return tuple(_checked_host(host) for host in hosts)


def _checked_host(host: object) -> Pattern:
    text = ascii_host(host.strip().lower().rstrip(".")) if isinstance(host, str) else ""
    match = _HOST.fullmatch(f"[{text}]" if text.count(":") > 1 and "[" not in text else text)
    if match is None or ".." in text or int(match["port"] or 1) > 65535:
        raise invalid(
            f"hosts= contains {host!r:.100}, which is not a host.",
            fix="Write hosts=['api.example.com'], '*.example.com' for all below it, or "
            "'localhost:8000' for one port.",
        )
    name = (match["any"] or "") + match["name"].strip("[]").rstrip(".")
    return name, int(match["port"]) if match["port"] else None


def over_http(url: str) -> str:
    """Return a URL as it is requested: a WebSocket begins as a request of http or https."""
    scheme, colon, rest = url.partition(":")
    return f"{_HTTP_SCHEMES.get(scheme.lower(), scheme)}{colon}{rest}"


def session_origin(url: str) -> Origin:
    """Return scheme, host and port of a URL, also of a WebSocket.

    Raises:
        ValueError: not a URL.
    """
    return origin_of(over_http(url))


#: The same for base URLs. There are few of them.
known_origin = lru_cache(maxsize=256)(session_origin)


@lru_cache(maxsize=256)
def is_private(origin: Origin) -> bool:
    """True if no other machine can read the request: https, or plain http to loopback."""
    scheme, host, _ = origin
    return scheme == "https" or (scheme == "http" and is_loopback(host))


def matches(pattern: Pattern, origin: Origin) -> bool:
    """True if a pattern matches the host and the port of an origin."""
    name, port = pattern
    _, host, actual = origin
    if port is not None and port != actual:
        return False
    if name.startswith("*."):
        return host.endswith(name[1:]) and not host.startswith(".")
    return host == name


def is_same_origin(one: str, other: str) -> bool:
    """True if two URLs have the same scheme, host and port."""
    try:
        return session_origin(one) == session_origin(other)
    except ValueError:
        return False


def joined(url: str, location: str) -> str:
    """Return the URL of a `Location`, relative to `url`; empty if it is malformed."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""
