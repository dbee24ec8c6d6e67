"""Turn an error response into one of vendo's errors (wire contract, "Errors")."""

from __future__ import annotations

from vendo import errors
from vendo._protocol.codes import CODES, code_of_status, fix_for
from vendo._protocol.decoding import decode_json
from vendo._protocol.retry import bounded_seconds, retry_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from vendo._protocol.steps import Response

_LONGEST_TEXT = 500
_LONGEST_ADDRESS = 8192


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
    return cls(
        code,
        clean(detail.get("message"))
        or _worded(clean(inner), clean(body.get("detail")), code)
        or f"The backend responded with HTTP {response.status}.",
        status=response.status,
        slug=about,
        connect_url=_web_address(detail.get("connect_url"), secrets),
        retry_after=retry_after(response.headers) if wait is None else wait,
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


def _worded(error: str | None, detail: str | None, code: str) -> str:
    """Join `error` and `detail` of a body. `error` may only repeat the code."""
    return ": ".join(text for text in (error, detail) if text and (text != code or not detail))


def body_of(response: Response) -> Mapping[str, Any]:
    """Return the JSON object of an error response, empty if there is none."""
    try:
        body = decode_json(response)
    except errors.UpstreamError:
        return {}  # a proxy's HTML page: status and headers are enough
    return body if isinstance(body, dict) else {}


def _web_address(value: object, secrets: Iterable[str]) -> str | None:
    """Return a web address unchanged, or None: a shortened or masked address does not work."""
    if not isinstance(value, str) or len(value) > _LONGEST_ADDRESS:
        return None
    if not value.isascii() or not value.isprintable() or " " in value:
        return None
    from urllib.parse import unquote, urlsplit

    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host or parts.scheme not in {"http", "https"}:
        return None
    plain = unquote(value)
    return None if any(s and (s in value or s in plain) for s in secrets) else value


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
