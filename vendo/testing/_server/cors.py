"""CORS: which responses a page of another site may read (wire contract, "Platform API").

The platform documents it for the balance and the providers' proxies. Nothing else has it.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from vendo.testing._http.messages import Response

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request

_PLATFORM = "vendo.run"
_BALANCE = "/api/billing/balance"


def is_open(surface: str, path: str) -> bool:
    """Return True if pages of other sites may read the responses of a path."""
    return surface == "provider" or path == _BALANCE


def preflight() -> Response:
    """Return the response to an `OPTIONS` request, which browsers send without a credential."""
    return Response(
        204,
        headers={
            "Access-Control-Allow-Methods": "GET, OPTIONS",
            "Access-Control-Allow-Headers": "Authorization, Content-Type",
        },
    )


def allow(response: Response, request: Request) -> None:
    """Let the page that sent the request read the response."""
    origin = request.headers.get("origin", "")
    if _is_of_platform(origin):
        response.headers |= {"Access-Control-Allow-Origin": origin, "Vary": "Origin"}
    else:
        response.headers["Access-Control-Allow-Origin"] = "*"


def _is_of_platform(origin: str) -> bool:
    try:
        host = urlsplit(origin).hostname or ""
    except ValueError:
        return False
    return host == _PLATFORM or host.endswith(f".{_PLATFORM}")
