"""Turn a failure of the network into one of vendo's errors, with what to check."""

from __future__ import annotations

import errno
import os
from http.client import HTTPException, IncompleteRead, RemoteDisconnected
from socket import gaierror
from ssl import SSLCertVerificationError, SSLError
from urllib.parse import urlsplit

from vendo._protocol.decoding import malformed
from vendo._protocol.origins import is_loopback, origin_of
from vendo._transports.routes import route_of
from vendo.errors import UpstreamConnectionError, UpstreamError, UpstreamTimeout

#: How `http.client` begins the error of a proxy, before the status.
TUNNEL_REFUSED = "Tunnel connection failed: "

#: A connection that was not made: behind a proxy, the one to the proxy.
_NOT_MADE = {errno.ECONNREFUSED, errno.EHOSTUNREACH, errno.ENETUNREACH}


def unreachable(url: str, failure: Exception) -> UpstreamError:
    """Make the error for a request without a response. It names the origin, and no header."""
    if isinstance(failure, UpstreamError):
        return failure  # of a thread that a library of HTTP needed
    scheme, host, port = origin_of(url)
    where = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
    if isinstance(failure, TimeoutError):
        return UpstreamTimeout(
            "upstream_error",
            f"{where} did not respond completely within the time-out.",
            suggested_fix="Try again, or pass the client a longer timeout= (seconds).",
        )
    if isinstance(failure, OSError | IncompleteRead):
        problem, fix = _of_proxy(url, failure) or _broken(where, host, failure)
        return UpstreamConnectionError("upstream_error", problem, suggested_fix=fix)
    kind = type(failure).__name__
    if isinstance(failure, HTTPException):
        return malformed(f"from {where} is not HTTP ({kind})")
    return malformed(f"from {where} cannot be read ({kind})")


def no_thread() -> UpstreamConnectionError:
    """Make the error for a call that needs a thread, where the system has no more."""
    return UpstreamConnectionError(
        "upstream_error",
        "No thread can be started for the call.",
        suggested_fix="Raise the limit of threads (ulimit -u, or the pids limit of the container), "
        "or install the extra async: aiohttp needs no threads.",
    )


def _broken(where: str, host: str, failure: OSError | IncompleteRead) -> tuple[str, str]:
    """Return what happened to a connection, and what to check."""
    if isinstance(failure, SSLCertVerificationError):
        return (
            f"The certificate of {where} is not trusted ({failure.verify_message}).",
            _how_to_trust(),
        )
    if isinstance(failure, IncompleteRead | RemoteDisconnected):
        return (
            f"{where} closed the connection before its response was complete.",
            "Try again; python -m vendo doctor shows what can be reached.",
        )
    if str(failure).startswith(TUNNEL_REFUSED):
        status = str(failure).removeprefix(TUNNEL_REFUSED)[:3]
        return (
            f"The proxy does not allow a connection to {where} (HTTP {status}).",
            f"Check HTTPS_PROXY with its user name and password, or add {host} to NO_PROXY.",
        )
    fix = "Run python -m vendo doctor. It checks the network, HTTPS_PROXY and all addresses."
    if is_loopback(host):
        fix = "Start the server on this machine: python -m vendo serve. Load what it prints."
    return f"{where} cannot be reached ({_reason(failure)}).", fix


def _of_proxy(url: str, failure: OSError | IncompleteRead) -> tuple[str, str] | None:
    """Return what happened to the connection to a proxy, or None where there is no proxy in it."""
    if not isinstance(failure, OSError) or isinstance(failure, SSLError):
        return None
    if not isinstance(failure, gaierror) and failure.errno not in _NOT_MADE:
        return None
    proxy = route_of(url)[3]
    if proxy is None:
        return None
    return (
        f"The proxy {proxy.url} cannot be reached ({_reason(failure)}).",
        f"Set HTTPS_PROXY to a proxy that runs, or add {urlsplit(url).hostname} to NO_PROXY.",
    )


def _how_to_trust() -> str:
    file = os.environ.get("SSL_CERT_FILE")
    if file and not os.path.exists(file):  # noqa: PTH110  # pathlib would be one more import
        return f"Set SSL_CERT_FILE to a file that exists, or unset it: {file} does not."
    return "Behind a proxy that inspects TLS, set SSL_CERT_FILE to the file of its authority."


def _reason(failure: OSError) -> str:
    if failure.errno and not isinstance(failure, gaierror | SSLError):
        return os.strerror(failure.errno)  # the text of asyncio differs
    return failure.strerror or type(failure).__name__
