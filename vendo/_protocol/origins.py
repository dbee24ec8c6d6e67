"""The backend's addresses, and which URLs a key may be sent to."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import urlsplit

from vendo._protocol.secret import Secret
from vendo.errors import invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    #: (scheme, host in lower case, port).
    Origin: TypeAlias = tuple[str, str, int]

#: The defaults.
DEFAULT_BASE_URL = "https://vendo.run"
DEFAULT_CREDENTIALS_URL = "https://credentials.vendo.run"
DEFAULT_DATA_PROXY_URL = "https://composio-proxy.vendo.run"
#: The same by the argument of a client that replaces them.
DEFAULT_URLS = {
    "base_url": DEFAULT_BASE_URL,
    "credentials_url": DEFAULT_CREDENTIALS_URL,
    "data_proxy_url": DEFAULT_DATA_PROXY_URL,
}

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """True for the names and addresses of this machine.

    What only looks like an address, such as `127.1` or `127.0.0.1.`, is a name, and a name may be
    that of any machine.
    """
    address = _address(host)
    if address is not None and "%" not in host:
        return (getattr(address, "ipv4_mapped", None) or address).is_loopback
    name = f".{_without_root(host.lower())}"
    return name.endswith(".localhost") and ".." not in name


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _without_root(host: str) -> str:
    """Return a name without the dot at its end. An address with such a dot is a name."""
    name = host.removesuffix(".")
    return host if _address(name) else name


@lru_cache(maxsize=128)
def checked_origin(url: str, name: str, default: str | None) -> str:
    """Check that a key may be sent to a URL, and return it without a trailing slash.

    Args:
        url: the URL.
        name: where it was set, for the error text: an argument or a variable.
        default: what is used where it is not set, for the fix. Another address would have the key
            sent to a stranger.

    Raises:
        ValidationError: not an http(s) URL, no host, user info, a query, or plain http to another
            host than loopback. The text of the error does not contain user info.
    """
    problem = _problem_of(url)
    if problem is not None:
        raise invalid(f"The address in {name} {problem}.", fix=_fix(name, default))
    return url.removesuffix("/")


def _fix(name: str, default: str | None) -> str:
    without = f"Unset {name}" if name.isidentifier() else f"Leave {name} out"
    if default is None:
        return f"{without}, or set it to the whole URL of the provider, from https:// on."
    return f"{without}, or set it to the default: {default}"


def _problem_of(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"}:
        return "is not an http(s) URL with a host"
    if "@" in parts.netloc:
        return "contains a user name or a password"
    if any(map(str.isspace, url)):
        return "contains white space"
    # The characters themselves: urlsplit does not report an empty query, and drops line breaks.
    if not url.isascii() or not url.isprintable() or any(c in url for c in "?# \\"):
        return "contains more than a scheme, a host, a port and a path"
    if parts.scheme == "http" and not is_loopback(host):
        return f"is plain http to {host}; a key is sent over https only"
    return None


def given_origin(url: object, name: str, default: str | None) -> str:
    """Check an argument that may be of any type, as `checked_origin` does.

    Raises:
        ValidationError: not a text, or as for `checked_origin`.
    """
    if not isinstance(url, str):
        raise invalid(
            f"{name} must be an address, not a value of type {type(url).__name__}.",
            fix=_fix(name, default),
        )
    url = Secret(url.strip())  # it may contain a password
    return checked_origin(url, name, default)


def platform_origin(url: str, name: str, default: str | None = DEFAULT_BASE_URL) -> str:
    """Check an origin of the platform API; drop an `/api` at its end, which each call adds."""
    origin = checked_origin(url, name, default)
    return origin.removesuffix("/api") if urlsplit(origin).path else origin  # a host named api


def origin_of(url: str) -> Origin:
    """Return scheme, host and port of a URL, as a client would use them.

    Raises:
        ValueError: not a URL.
    """
    parts = urlsplit(url)
    if "\\" in parts.netloc:
        raise ValueError("the host contains a backslash, which clients read in different ways")
    scheme = parts.scheme
    port = parts.port
    if port is None:
        port = DEFAULT_PORTS.get(scheme, 0)
    return scheme, ascii_host(_without_root(parts.hostname or "")), port


def ascii_host(host: str) -> str:
    """Return the name of a host in ASCII, as it is looked up; empty if there is none."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""
