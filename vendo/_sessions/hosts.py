"""Hosts that a token may be sent to, as callers and the catalog write them, and those of URLs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import urljoin

from vendo._protocol.origins import ascii_host, is_loopback, origin_of
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from vendo._protocol.origins import Origin

    #: (host, or `*.` and what is after it; port, or None for any).
    Pattern: TypeAlias = tuple[str, int | None]

_HOST = re.compile(
    r"(?:(?P<any>\*\.)(?=[^.]+\.))?"  # `*.com` would be half of the internet
    r"(?P<name>[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]{1,5}))?"
)


_ASKED_FOR_OVER = {"ws": "http", "wss": "https"}


def checked_hosts(hosts: object) -> tuple[Pattern, ...]:
    """The patterns of `hosts=`.

    Raises:
        ValidationError: no list, or one that holds something else than hosts.
    """
    if isinstance(hosts, str):
        raise ValidationError(
            "validation_failed",
            "hosts= takes a list of hosts, and was given one text.",
            suggested_fix=f"Write hosts=[{hosts[:100]!r}].",
        )
    if not isinstance(hosts, Iterable):
        raise ValidationError(
            "validation_failed",
            f"hosts= takes a list of hosts, and was given a value of type {type(hosts).__name__}.",
            suggested_fix="Write hosts=['api.example.com'], or leave it out.",
        )
    return tuple(_checked_host(host) for host in hosts)


def _checked_host(host: object) -> Pattern:
    text = ascii_host(host.strip().lower().rstrip(".")) if isinstance(host, str) else ""
    match = _HOST.fullmatch(f"[{text}]" if text.count(":") > 1 and "[" not in text else text)
    if match is None or ".." in text or int(match["port"] or 1) > 65535:
        raise ValidationError(
            "validation_failed",
            f"hosts= holds {host!r:.100}, which is no host.",
            suggested_fix="Write hosts=['api.example.com'], '*.example.com' for all below it, or "
            "'localhost:8000' for one port.",
        )
    name = (match["any"] or "") + match["name"].strip("[]").rstrip(".")
    return name, int(match["port"]) if match["port"] else None


def over_http(url: str) -> str:
    """A URL as it is asked for: a WebSocket begins as a request of http or https."""
    scheme, colon, rest = url.partition(":")
    return f"{_ASKED_FOR_OVER.get(scheme.lower(), scheme)}{colon}{rest}"


def session_origin(url: str) -> Origin:
    """Scheme, host and port of a URL that a session is asked for, those of WebSockets included.

    Raises:
        ValueError: the URL is none.
    """
    return origin_of(over_http(url))


def is_private(origin: Origin) -> bool:
    """True where nobody on the way can read along."""
    scheme, host, _ = origin
    return scheme == "https" or (scheme == "http" and is_loopback(host))


def matches(pattern: Pattern, origin: Origin) -> bool:
    """True where a pattern stands for this origin's host and port."""
    name, port = pattern
    _, host, actual = origin
    if port is not None and port != actual:
        return False
    if name.startswith("*."):
        return host.endswith(name[1:]) and not host.startswith(".")
    return host == name


def is_same_origin(one: str, other: str) -> bool:
    """True where two URLs have scheme, host and port in common."""
    try:
        return session_origin(one) == session_origin(other)
    except ValueError:
        return False


def joined(url: str, location: str) -> str:
    """Where a `Location` of an answer leads; empty where that cannot be read."""
    try:
        return urljoin(url, location)
    except ValueError:
        return ""
