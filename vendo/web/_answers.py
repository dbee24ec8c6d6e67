"""What an application answers when one of vendo's errors reaches its framework."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from vendo import errors

_STATUS = {
    errors.NotConnected: 424,
    errors.NeedsReauth: 424,
    errors.RateLimited: 429,
    errors.SpendCapExceeded: 429,
    errors.BalanceExhausted: 402,
    errors.IdentityNotPresent: 401,
    errors.UpstreamTimeout: 504,
    errors.UpstreamError: 502,
    errors.VendoOnlyFeature: 501,
}


@dataclass(frozen=True, slots=True)
class ErrorAnswer:
    """What an application answers when one of vendo's errors reaches its framework.

    `body` is JSON-able; `connect_url` is where a browser is redirected instead, or None.
    """

    status: int
    body: dict[str, Any]
    headers: dict[str, str]
    connect_url: str | None = None


def error_answer(error: errors.VendoError, *, connect_url: str | None = None) -> ErrorAnswer:
    """The answer for an error.

    Args:
        error: what reached the framework.
        connect_url: the application's own redirect to the connect page for `error.slug`, where it
            has one: the platform's own address holds the app key, and is never put in an answer.
    """
    status = next((status for cls, status in _STATUS.items() if isinstance(error, cls)), 500)
    if status == 500:
        # What went wrong with our key or our code is not for whoever sent the request.
        return ErrorAnswer(500, _body("internal_error", "The server could not do this."), {})
    headers = {}
    if status == 429 and error.retry_after is not None:
        headers["Retry-After"] = str(math.ceil(error.retry_after))
    body = _body(error.code, error.message)
    if status != 424:
        return ErrorAnswer(status, body, headers)
    body["error"].update(slug=error.slug, connect_url=connect_url)
    return ErrorAnswer(status, body, headers, connect_url)


def refusal(error: errors.VendoError) -> ErrorAnswer:
    """The answer of one of our own views when the request itself is what is wrong: 400, and why.

    Other errors than a `ValidationError` are answered as `error_answer` does it.
    """
    if not isinstance(error, errors.ValidationError):
        return error_answer(error)
    return ErrorAnswer(400, _body(error.code, str(error)), {})


def _body(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def prefers_html(accept: str | None) -> bool:
    """True where an `Accept` header is a browser's, which asks for a page before anything else."""
    kinds = [kind.partition(";")[0].strip().lower() for kind in (accept or "").split(",")]
    for kind in kinds:
        if kind in {"text/html", "application/xhtml+xml"}:
            return True
        if kind in {"application/json", "text/json"} or kind.endswith("+json"):
            return False
    return False
