"""An error answer becomes one of vendo's errors (wire contract, "Errors")."""

from __future__ import annotations

from vendo import errors
from vendo._protocol.decoding import decode_json
from vendo._protocol.retry import bounded_seconds, retry_after

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from vendo._protocol.steps import Response

_CLASS_OF_CODE: dict[str, type[errors.VendoError]] = {
    "app_unknown": errors.AuthError,
    "app_revoked": errors.AuthError,
    "app_expired": errors.AuthError,
    "binding_missing": errors.NotConnected,
    "connection_revoked": errors.NotConnected,
    "connection_needs_reauth": errors.NeedsReauth,
    "balance_exhausted": errors.BalanceExhausted,
    "spend_cap_daily": errors.SpendCapExceeded,
    "spend_cap_monthly": errors.SpendCapExceeded,
    "upstream_rate_limited": errors.RateLimited,
    "upstream_error": errors.UpstreamError,
    "validation_failed": errors.ValidationError,
    "idempotency_conflict": errors.IdempotencyConflict,
    "vendo_only_feature": errors.VendoOnlyFeature,
    "identity_not_present": errors.IdentityNotPresent,
}

#: Where an answer has no code at all, its status decides: (class, the code that it gets).
_OF_STATUS: dict[int, tuple[type[errors.VendoError], str]] = {
    401: (errors.AuthError, "app_unknown"),
    402: (errors.BalanceExhausted, "balance_exhausted"),
    429: (errors.RateLimited, "upstream_rate_limited"),
}

_FIXES = {
    "app_unknown": "Check VENDO_API_KEY: a key looks like vendo_sk_ followed by 32 characters.",
    "app_revoked": "Make a new key in the Vendo dashboard and set it as VENDO_API_KEY.",
    "app_expired": "Make a new key in the Vendo dashboard and set it as VENDO_API_KEY.",
    "binding_missing": "Connect {slug}: send the person who owns the account to "
    "vendo.connect_url({slug!r}), or connect it in the dashboard.",
    "connection_revoked": "Connect {slug} again: vendo.connect_url({slug!r}) leads there.",
    "connection_needs_reauth": "The person has to authorize {slug} again: "
    "vendo.connect_url({slug!r}) leads there.",
    "provider_unknown": "Check the slug: python -m vendo catalog lists the known ones.",
    "balance_exhausted": "Top up the wallet: vendo.billing.balance().top_up_url leads there.",
    "upstream_error": "Try again later; python -m vendo doctor shows what can be reached.",
}

#: Codes that stand for the same at the next try, whatever the status. One that this version has
#: never heard of is none of them: there the status decides, as where there is no code.
_LASTING = frozenset({*_CLASS_OF_CODE, "profile_unsupported"}) - {"upstream_error"}

#: Codes that say that there is no credential, besides those of `NotConnected` and `NeedsReauth`.
_NONE_TO_BE_HAD = frozenset({"provider_unknown", "profile_unsupported"})

_LONGEST_TEXT = 500
_LONGEST_ADDRESS = 8192


def is_lasting(error: errors.VendoError) -> bool:
    """True where the answer names a reason that another try does not change."""
    return error.code in _LASTING


def is_none_to_be_had(error: errors.VendoError) -> bool:
    """True where a slug has no credential, which many callers take for an answer."""
    if isinstance(error, errors.NotConnected | errors.NeedsReauth):
        return True
    return error.code in _NONE_TO_BE_HAD


def error_of(
    response: Response, *, slug: str | None = None, secrets: Iterable[str] = ()
) -> errors.VendoError:
    """The error that an answer stands for.

    Args:
        response: an answer whose status is no success.
        slug: what the call was about, where the answer does not say.
        secrets: texts that must not appear in the error even where the answer repeats them.
    """
    body = body_of(response)
    inner = body.get("error")
    detail: Mapping[str, Any] = inner if isinstance(inner, dict) else body
    secrets = list(secrets)
    clean = Cleaner(secrets)

    code = clean(response.headers.get("vendo-error-code")) or clean(detail.get("code"))
    if code:
        cls = _CLASS_OF_CODE.get(code, errors.VendoError)
    else:
        cls, code = _of_status(response.status)
    about = clean(detail.get("slug")) or slug
    wait = bounded_seconds(detail.get("retry_after"))
    return cls(
        code,
        clean(detail.get("message"))
        or _worded(clean(inner), clean(body.get("detail")), code)
        or f"The backend answered HTTP {response.status}.",
        status=response.status,
        slug=about,
        connect_url=_web_address(detail.get("connect_url"), secrets),
        retry_after=retry_after(response.headers) if wait is None else wait,
        suggested_fix=_fix(clean(detail.get("suggested_fix")), code, about),
    )


def _fix(suggested: str | None, code: str, slug: str | None) -> str | None:
    """What the answer suggests. To a key that is unknown it may be the wrong text altogether, so
    what a key looks like is said besides.
    """
    if suggested is None:
        return fix_for(code, slug)
    if code == "app_unknown" and "vendo_sk_" not in suggested:
        return f"{suggested} {_FIXES[code]}"
    return suggested


def fix_for(code: str, slug: str | None) -> str | None:
    """What a person can do about an error of this code, or None where there is no general word."""
    fix = _FIXES.get(code)
    if fix is None or ("{slug" in fix and slug is None):
        return None
    return fix.format(slug=slug)


def _of_status(status: int) -> tuple[type[errors.VendoError], str]:
    if status >= 500:
        return errors.UpstreamError, "upstream_error"
    return _OF_STATUS.get(status, (errors.VendoError, "internal_error"))


def _worded(error: str | None, detail: str | None, code: str) -> str:
    """The message of a body of two texts, of which the first may be the code once more."""
    return ": ".join(text for text in (error, detail) if text and (text != code or not detail))


def body_of(response: Response) -> Mapping[str, Any]:
    """The JSON object of an error answer; empty where there is none."""
    try:
        body = decode_json(response)
    except errors.UpstreamError:
        return {}  # a proxy's HTML page: status and headers still say what happened
    return body if isinstance(body, dict) else {}


def _web_address(value: object, secrets: Iterable[str]) -> str | None:
    """A web address as it came, or None: shortened, or with a part struck out, it leads nowhere."""
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
    """Makes text out of an answer fit to show: one line, bounded, without the caller's secrets."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = [secret for secret in secrets if secret]

    def __call__(self, value: object) -> str | None:
        if not isinstance(value, str):
            return None
        for secret in self._secrets:
            value = value.replace(secret, "***")
        value = "".join(c if c.isprintable() else " " for c in value[: _LONGEST_TEXT + 1]).strip()
        return value if len(value) <= _LONGEST_TEXT else value[:_LONGEST_TEXT] + "…"
