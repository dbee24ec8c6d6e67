"""A failure of the network becomes one of vendo's errors, with what to look at next."""

from __future__ import annotations

import os
from http.client import HTTPException, IncompleteRead
from socket import gaierror
from ssl import SSLCertVerificationError, SSLError

from vendo._protocol.decoding import malformed
from vendo._protocol.origins import origin_of
from vendo.errors import UpstreamConnectionError, UpstreamError, UpstreamTimeout

#: How `http.client` begins to say that a proxy refused, before the status.
TUNNEL_REFUSED = "Tunnel connection failed: "


def unreachable(url: str, failure: Exception) -> UpstreamError:
    """The error for a request that got no answer. It names the origin and never the headers."""
    scheme, host, port = origin_of(url)
    where = f"{scheme}://{host}:{port}"
    if isinstance(failure, TimeoutError):
        return UpstreamTimeout(
            "upstream_error",
            f"No complete answer from {where} within the time-out.",
            suggested_fix="Try again, or give the client a longer timeout= (seconds).",
        )
    if isinstance(failure, OSError | IncompleteRead):
        problem, fix = _broken(where, host, failure)
        return UpstreamConnectionError("upstream_error", problem, suggested_fix=fix)
    kind = type(failure).__name__
    if isinstance(failure, HTTPException):
        return malformed(f"from {where} is no HTTP ({kind})")
    return malformed(f"from {where} cannot be read ({kind})")


def _broken(where: str, host: str, failure: OSError | IncompleteRead) -> tuple[str, str]:
    """What happened to a connection, and what to look at."""
    if isinstance(failure, SSLCertVerificationError):
        return (
            f"The certificate of {where} is not trusted ({failure.verify_message}).",
            "Behind a proxy that inspects TLS, set SSL_CERT_FILE to its authority.",
        )
    if isinstance(failure, IncompleteRead):
        return (
            f"The answer from {where} is cut off.",
            "Try again; python -m vendo doctor shows what can be reached.",
        )
    if str(failure).startswith(TUNNEL_REFUSED):
        status = str(failure).removeprefix(TUNNEL_REFUSED)[:3]
        return (
            f"The proxy lets no connection through to {where} (HTTP {status}).",
            f"Check HTTPS_PROXY, its user name and password too, or add {host} to NO_PROXY.",
        )
    return (
        f"Could not talk to {where} ({_reason(failure)}).",
        "Check the network, HTTPS_PROXY and the VENDO_*_URL variables with python -m vendo doctor.",
    )


def _reason(failure: OSError) -> str:
    if failure.errno and not isinstance(failure, gaierror | SSLError):
        return os.strerror(failure.errno)  # asyncio words a refused connection in its own way
    return failure.strerror or type(failure).__name__
