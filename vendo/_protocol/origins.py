"""Where the backend's surfaces are, and which URLs a key may be sent to."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import urlsplit

from vendo.errors import ValidationError, VendoError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from vendo._config.environment import Variable

    #: (scheme, host in lower case, port).
    Origin: TypeAlias = tuple[str, str, int]

#: Where nothing says otherwise.
DEFAULT_BASE_URL = "https://vendo.run"
DEFAULT_CREDENTIALS_URL = "https://credentials.vendo.run"
DEFAULT_DATA_PROXY_URL = "https://composio-proxy.vendo.run"

DEFAULT_PORTS = {"http": 80, "https": 443}


def is_loopback(host: str) -> bool:
    """True for the names and addresses that never leave this machine."""
    host = host.lower().rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    if host == "::1":
        return True
    parts = host.split(".")
    # Anything else of four parts is a name, and names lead anywhere.
    return (
        len(parts) == 4
        and parts[0] == "127"
        and all(part.isascii() and part.isdigit() and int(part[:4]) < 256 for part in parts)
    )


@lru_cache(maxsize=128)
def checked_origin(url: str, name: str) -> str:
    """The URL without its trailing slash, once it is known that a key may be sent there.

    `name` is how the person who set it knows it, for the error text.

    Raises:
        ValidationError: no http(s) URL, no host, user info, a query, or plain http to another
            host than loopback. The text never repeats user info.
    """
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        parts, host = None, None
    if parts is None or parts.scheme not in {"http", "https"} or not host:
        raise _refusal(name, "is not an http(s) URL with a host")
    if "@" in parts.netloc:
        raise _refusal(name, "carries a user name or password")
    # The characters themselves: an empty query has none to show, and urlsplit drops line breaks.
    if not url.isascii() or not url.isprintable() or any(c in url for c in "?# \\"):
        raise _refusal(name, "is more than a plain address")
    if parts.scheme == "http" and not is_loopback(host):
        raise _refusal(name, f"is plain http to {host}, and a key is sent over https only")
    return url.removesuffix("/")


def given_origin(url: object, name: str) -> str:
    """Like `checked_origin`, for what a caller has handed in, whatever that is.

    Raises:
        ValidationError: no text, or as for `checked_origin`.
    """
    if not isinstance(url, str):
        raise ValidationError(
            "validation_failed", f"{name} is of type {type(url).__name__}, and takes an address."
        )
    return checked_origin(url.strip(), name)


def platform_origin(url: str, name: str) -> str:
    """Like `checked_origin`, without an `/api` at the end: each call adds that itself."""
    origin = checked_origin(url, name)
    return origin.removesuffix("/api") if urlsplit(origin).path else origin  # a host named api


def origin_in(
    variable: Variable, checked: Callable[[str, str], str] = checked_origin
) -> str | None:
    """The address that a variable holds, or None where it is not set.

    Raises:
        ValidationError: as for `checked_origin`.
    """
    try:
        value = variable.get()
        return None if value is None else checked(value, variable.name)
    except VendoError as error:
        value = None  # there may be a password in it
        raise without_frames(error) from None


def _refusal(name: str, problem: str) -> ValidationError:
    return ValidationError(
        "validation_failed",
        f"The address in {name} {problem}.",
        suggested_fix=f"Set {name} to an address such as {DEFAULT_BASE_URL}, or leave it out.",
    )


def origin_of(url: str) -> Origin:
    """Scheme, host and port of a URL, as a client would use them.

    Raises:
        ValueError: the URL is none.
    """
    parts = urlsplit(url)
    if "\\" in parts.netloc:
        raise ValueError("Some clients end the host at a backslash, and some do not.")
    scheme = parts.scheme
    port = parts.port
    if port is None:
        port = DEFAULT_PORTS.get(scheme, 0)
    return scheme, ascii_host((parts.hostname or "").rstrip(".")), port


def ascii_host(host: str) -> str:
    """A host's name as it is looked up; empty where it has none."""
    if host.isascii():
        return host
    try:
        return host.encode("idna").decode()
    except UnicodeError:
        return ""
