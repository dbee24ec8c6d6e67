"""The HTTP response, or the end of a WebSocket, that one of vendo's errors becomes.

One table has the response for each class of error. An adapter turns an `ErrorResponse` into
a response of its framework.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from vendo import errors
from vendo._protocol.log import visible as logger
from vendo.web._exceptions import ConnectForbidden, EventInProgress

# WebSocket close codes (RFC 6455, section 7.4, and its registry).
_POLICY_VIOLATION = 1008
_INTERNAL_ERROR = 1011
_TRY_AGAIN_LATER = 1013


class _Rule(NamedTuple):
    """What a caller gets for a class of error."""

    status: int
    close_code: int = _POLICY_VIOLATION
    has_connect_url: bool = False
    has_retry_after: bool = False
    #: Only the operator can mend it.
    is_for_operator: bool = False


#: The first class that fits decides.
_RULES = {
    errors.NotConnected: _Rule(424, has_connect_url=True),
    errors.NeedsReauth: _Rule(424, has_connect_url=True),
    errors.RateLimited: _Rule(429, _TRY_AGAIN_LATER, has_retry_after=True),
    errors.SpendCapExceeded: _Rule(
        429, _TRY_AGAIN_LATER, has_retry_after=True, is_for_operator=True
    ),
    errors.BalanceExhausted: _Rule(402, is_for_operator=True),
    ConnectForbidden: _Rule(403),
    EventInProgress: _Rule(409, _TRY_AGAIN_LATER, has_retry_after=True),
    errors.IdentityNotPresent: _Rule(401),
    errors.UpstreamTimeout: _Rule(504, _INTERNAL_ERROR),
    errors.UpstreamError: _Rule(502, _INTERNAL_ERROR),
    errors.VendoOnlyFeature: _Rule(501, _INTERNAL_ERROR),
}


_PAGES = frozenset({"text/html", "application/xhtml+xml"})
_DATA = frozenset({"application/json", "text/json"})
_WEIGHT = re.compile(r"(?:^|;)\s*q=([01](?:\.\d{0,3})?)\s*(?:;|$)", re.ASCII)


class ErrorResponse(NamedTuple):
    """Hold what a caller gets when one of vendo's errors reaches a framework.

    Attributes:
        status: the HTTP status.
        body: the JSON body.
        headers: further headers.
        connect_url: the application's own link to connect the provider, or None.
        close_code: the code that closes a WebSocket.
        is_internal: True where the caller is given no reason. Log the error.

    Example:
        ```python
        from vendo import RateLimited
        from vendo.web import error_response

        error = RateLimited("rate_limited", "Too many requests.", retry_after=5)
        response = error_response(error)
        print(response.status, response.headers)  # 429 {'Retry-After': '5'}
        ```
    """

    status: int
    body: dict[str, Any]
    headers: dict[str, str]
    connect_url: str | None = None
    close_code: int = _POLICY_VIOLATION
    is_internal: bool = False


def error_response(error: errors.VendoError, *, connect_url: str | None = None) -> ErrorResponse:
    """Return the response to an error that no view handles.

    What the operator must mend is logged: an error of the backend, and a connection that the user
    cannot make. The adapter logs an internal error, with its traceback.

    Args:
        error: what reached the framework.
        connect_url: the application's own redirect to the connect page of `error.slug`, where it
            has one. The platform's address contains the API key, so it is never in a response.

    Returns:
        The response: 424 for a provider that is not connected, 429 for a rate limit, 500 without a
        reason for an error of the application's own, and so on.

    Example:
        ```python
        from vendo import NotConnected
        from vendo.web import error_response

        error = NotConnected("not_connected", "Gmail is not connected.", slug="gmail")
        response = error_response(error, connect_url="/api/vendo/connect/gmail/")
        print(response.status, response.body["error"]["connect_url"])
        ```
    """
    rule = next((rule for cls, rule in _RULES.items() if isinstance(error, cls)), None)
    if rule is None:
        # The caller learns nothing of our key or our code.
        body = _body("internal_error", "Internal error; the server log has the details.")
        return ErrorResponse(500, body, {}, close_code=_INTERNAL_ERROR, is_internal=True)
    # The caller may be a visitor, who cannot mend it.
    if rule.status >= 500:
        logger.error("An error became %s: %s", rule.status, error)
    elif rule.is_for_operator or (rule.has_connect_url and connect_url is None):
        logger.warning("An error became %s: %s", rule.status, error)
    headers = {}
    if rule.has_retry_after and error.retry_after is not None:
        headers["Retry-After"] = str(max(0, error.retry_after))
    body = _body(error.code, error.message)
    if not rule.has_connect_url:
        return ErrorResponse(rule.status, body, headers, close_code=rule.close_code)
    body["error"].update(slug=error.slug, connect_url=connect_url)
    return ErrorResponse(rule.status, body, headers, connect_url, rule.close_code)


def request_error_response(error: errors.VendoError) -> ErrorResponse:
    """Return the response to an error of one of the adapter's own views.

    Args:
        error: what the view raised.

    Returns:
        400 with the reason for a `ValidationError`, which is about the request, unless it is about
        the environment. Others are as for `error_response`.

    Example:
        ```python
        from vendo.web import invalid, request_error_response

        error = invalid("next= leads elsewhere.", fix="Give a path such as /settings.")
        print(request_error_response(error).status)  # 400
        ```
    """
    if not isinstance(error, errors.ValidationError) or error._is_of_environment:
        return error_response(error)
    return ErrorResponse(400, _body(error.code, str(error)), {})


def _body(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def prefers_html(accept: str | None) -> bool:
    """Return whether a client prefers a page to JSON, as a browser does.

    Args:
        accept: the request's header `Accept`, or None. Of two types with the same weight, the
            first counts.

    Returns:
        True for a page.

    Example:
        ```python
        from vendo.web import prefers_html

        print(prefers_html("text/html,*/*;q=0.8"), prefers_html("application/json"))  # True False
        ```
    """
    best, is_page = 0.0, False
    for kind, weight in map(_weighed, (accept or "").lower().split(",")):
        if weight > best and kind in _PAGES:
            best, is_page = weight, True
        elif weight > best and (kind in _DATA or kind.endswith("+json")):
            best, is_page = weight, False
    return is_page


def _weighed(media_range: str) -> tuple[str, float]:
    """Return a part of an `Accept` header and its weight (RFC 9110, section 12.4.2)."""
    kind, _, parameters = media_range.partition(";")
    found = _WEIGHT.search(parameters)
    return kind.strip(), float(found[1]) if found else 1.0
