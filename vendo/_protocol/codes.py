"""A table of the error codes (wire contract, "Errors"), and the functions that read it."""

from __future__ import annotations

from vendo import errors

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Final


class Code:
    """What one error code means.

    Attributes:
        error: the class that is raised.
        fix: what to do about it, with `{slug}` for the provider, or None.
        is_lasting: True if the code means that another attempt fails too, whatever the status.
        is_missing_credential: True if the provider has no credential.
    """

    __slots__ = ("error", "fix", "is_lasting", "is_missing_credential")

    def __init__(
        self,
        error: type[errors.VendoError],
        fix: str | None = None,
        *,
        is_lasting: bool = True,
        is_missing_credential: bool = False,
    ) -> None:
        self.error = error
        self.fix = fix
        self.is_lasting = is_lasting
        self.is_missing_credential = is_missing_credential


_RAISE_CAP = "Raise the cap in the Vendo dashboard, or wait until it is reset."
_NEW_KEY = "Make a new key in the Vendo dashboard and set it as VENDO_API_KEY."

CODES: Final = {
    "app_unknown": Code(
        errors.AuthError,
        "Check VENDO_API_KEY: a key looks like vendo_sk_ followed by 32 characters. If it does, it "
        "may be revoked, or the key of one connection alone.",
    ),
    "app_revoked": Code(errors.AuthError, _NEW_KEY),
    "app_expired": Code(errors.AuthError, _NEW_KEY),
    "binding_missing": Code(
        errors.NotConnected,
        "Connect {slug}: send the user who owns the account to vendo.connect_url('{slug}'), or "
        "connect it in the dashboard.",
        is_missing_credential=True,
    ),
    "connection_revoked": Code(
        errors.NotConnected,
        "Connect {slug} again: send the user to vendo.connect_url('{slug}').",
        is_missing_credential=True,
    ),
    "connection_needs_reauth": Code(
        errors.NeedsReauth,
        "Have the user authorize {slug} again: send them to vendo.connect_url('{slug}').",
        is_missing_credential=True,
    ),
    "provider_unknown": Code(
        errors.VendoError,
        "Check the slug: python -m vendo catalog lists the known ones.",
        is_lasting=False,
        is_missing_credential=True,
    ),
    "profile_unsupported": Code(errors.VendoError, is_missing_credential=True),
    "balance_exhausted": Code(
        errors.BalanceExhausted,
        "Top up the wallet at the address in vendo.billing.balance().top_up_url.",
    ),
    "spend_cap_daily": Code(errors.SpendCapExceeded, _RAISE_CAP),
    "spend_cap_monthly": Code(errors.SpendCapExceeded, _RAISE_CAP),
    "upstream_rate_limited": Code(
        errors.RateLimited, "Wait retry_after seconds, or a minute without it, then call again."
    ),
    "upstream_error": Code(
        errors.UpstreamError,
        "Try again later; python -m vendo doctor shows what can be reached.",
        is_lasting=False,
    ),
    "validation_failed": Code(errors.ValidationError),
    "idempotency_conflict": Code(
        errors.IdempotencyConflict, "Use another idempotency_key= for other arguments."
    ),
    "vendo_only_feature": Code(errors.VendoOnlyFeature),
    "identity_not_present": Code(errors.IdentityNotPresent),
}

#: The code of a response that has none, by its status; see `code_of_status`.
_CODE_OF_STATUS: Final = {
    401: "app_unknown",
    402: "balance_exhausted",
    429: "upstream_rate_limited",
}

#: The statuses after which a call is sent again, unless the row of its code `is_lasting`. So a 429
#: would need both: its status here, and its row. Its Retry-After can be minutes.
RETRYABLE_STATUSES: Final = frozenset({500, 502, 503, 504})


def code_of_status(status: int) -> str:
    """Return the code of an error response that has none."""
    return _CODE_OF_STATUS.get(status, "upstream_error" if status >= 500 else "internal_error")


def fix_for(code: str, slug: str | None) -> str | None:
    """Return what to do about an error of this code, or None if there is no general fix."""
    row = CODES.get(code)
    fix = row.fix if row else None
    if fix is None or ("{slug}" in fix and slug is None):
        return None
    return fix.format(slug=slug)


def is_retryable(error: errors.VendoError) -> bool:
    """True if a call is sent again, within its time-out."""
    if isinstance(error, errors.UpstreamConnectionError):
        return True
    return error.status in RETRYABLE_STATUSES and not _is_lasting(error)


def is_temporary(error: errors.VendoError) -> bool:
    """True if a cached token may be used after a failed refresh: an outage, or a rate limit."""
    if isinstance(error, errors.UpstreamError | errors.RateLimited):
        return True
    return (error.status or 0) >= 500 and not _is_lasting(error)


def is_reconnected(status: int) -> bool:
    """True if a stream is opened again after this status, whatever the code.

    A stream lives as long as its program, and can wait for the end of a spend cap.
    """
    return status == 429 or status >= 500


def _is_lasting(error: errors.VendoError) -> bool:
    row = CODES.get(error.code)
    return row is not None and row.is_lasting


def is_missing_credential(error: errors.VendoError) -> bool:
    """True if the provider has no credential, which many callers expect."""
    row = CODES.get(error.code)
    if row is not None and row.is_missing_credential:
        return True
    return isinstance(error, errors.NotConnected | errors.NeedsReauth)
