"""Turn an error response into one of vendo's errors (wire contract, "Errors")."""

from __future__ import annotations

from math import ceil

from vendo import errors
from vendo._protocol.codes import CODES, code_of_status, fix_for
from vendo._protocol.decoding import decode_json, web_address
from vendo._protocol.retry import bounded_seconds, retry_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from vendo._protocol.steps import Response

_LONGEST_TEXT = 500
#: The statuses in words, which the credentials worker writes before its detail.
_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
}


def error_of(
    response: Response, *, slug: str | None = None, secrets: Iterable[str] = ()
) -> errors.VendoError:
    """Make the error for a response.

    Args:
        response: a response whose status is not a success.
        slug: the provider, if the response does not name one.
        secrets: texts that must not appear in the error, even if the response repeats them.
    """
    body = body_of(response)
    inner = body.get("error")
    detail: Mapping[str, Any] = inner if isinstance(inner, dict) else body
    secrets = list(secrets)
    clean = Cleaner(secrets)

    code = (
        clean(response.headers.get("vendo-error-code"))
        or clean(detail.get("code"))
        or code_of_status(response.status)
    )
    row = CODES.get(code)
    cls = row.error if row else errors.VendoError
    about = clean(detail.get("slug")) or slug
    wait = bounded_seconds(detail.get("retry_after"))
    if wait is None:
        wait = retry_after(response.headers)
    return cls(
        code,
        clean(detail.get("message"))
        or _worded(clean(inner), clean(body.get("detail")), {code, _PHRASES.get(response.status)})
        or f"The backend responded with HTTP {response.status}.",
        status=response.status,
        slug=about,
        connect_url=_connect_url(detail.get("connect_url"), secrets),
        retry_after=None if wait is None else ceil(wait),
        suggested_fix=_fix(clean(detail.get("suggested_fix")), code, about),
    )


def _fix(suggested: str | None, code: str, slug: str | None) -> str | None:
    """Return the fix that the response suggests, else the general one.

    The value may not be a Vendo key at all, so the fix shows what a key looks like.
    """
    if suggested is None:
        return fix_for(code, slug)
    if code == "app_unknown" and "vendo_sk_" not in suggested:
        return f"{suggested} {fix_for(code, slug)}"
    return suggested


def _worded(error: str | None, detail: str | None, known: set[str | None]) -> str:
    """Join `error` and `detail` of a body. `error` may only repeat the code or the status."""
    return ": ".join(text for text in (error, detail) if text and (text not in known or not detail))


def body_of(response: Response) -> Mapping[str, Any]:
    """Return the JSON object of an error response, empty if there is none."""
    try:
        body = decode_json(response)
    except errors.UpstreamError:
        return {}  # a proxy's HTML page: status and headers are enough
    return body if isinstance(body, dict) else {}


def _connect_url(value: object, secrets: Iterable[str]) -> str | None:
    """Return a link unchanged, or None: a shortened or masked address does not work."""
    from urllib.parse import unquote

    address = web_address(value)
    if address is None or any(
        s and s in text for s in secrets for text in (address, unquote(address))
    ):
        return None
    return address


class Cleaner:
    """Makes a text of a response fit to show: one line, bounded, without the caller's secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret for secret in secrets if secret]

    def __call__(self, value: object) -> str | None:
        if not isinstance(value, str):
            return None
        for secret in self._secrets:
            value = value.replace(secret, "***")
        value = "".join(c if c.isprintable() else " " for c in value[: _LONGEST_TEXT + 1]).strip()
        return value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "…"
