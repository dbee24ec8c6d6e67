"""Every error that vendo raises, one class a cause, so that callers catch what they can act on.

All of them are `VendoError` and carry the same attributes. `str(error)` is the message followed by
the suggested fix; no attribute ever holds a token, a key or a JWT.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing itself costs more than the whole of a first token
if TYPE_CHECKING:
    from typing import Any, TypeVar

    import vendo._types

    _E = TypeVar("_E", bound="VendoError")
    _Any = TypeVar("_Any", bound=BaseException)
else:
    import vendo  # `_types` is imported when an annotation is read

__all__ = [
    "AuthError",
    "BalanceExhausted",
    "IdempotencyConflict",
    "IdentityNotPresent",
    "MissingExtra",
    "NeedsReauth",
    "NotConnected",
    "RateLimited",
    "SpendCapExceeded",
    "UpstreamConnectionError",
    "UpstreamError",
    "UpstreamTimeout",
    "ValidationError",
    "VendoError",
    "VendoOnlyFeature",
]


class VendoError(Exception):
    """Something that vendo was asked for could not be done.

    Attributes:
        code: a stable machine-readable word such as `binding_missing` (wire contract, "Errors").
        message: what happened, for a person.
        status: the HTTP status of the answer, or None where there was none.
        slug: the provider that it is about, or None.
        connect_url: where a person can connect the provider, when the server said so.
        retry_after: seconds to wait before another try, when the server said so.
        suggested_fix: what to do next, for a person.
    """

    code: str
    message: str
    status: int | None
    slug: str | None
    connect_url: str | None
    retry_after: float | None
    suggested_fix: str | None

    def __init__(
        self,
        code: str,
        message: str,
        status: int | None = None,
        slug: str | None = None,
        connect_url: str | None = None,
        retry_after: float | None = None,
        suggested_fix: str | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status
        self.slug = slug
        self.connect_url = connect_url
        self.retry_after = retry_after
        self.suggested_fix = suggested_fix

    def __str__(self) -> str:
        if self.suggested_fix:
            return f"{self.message} Fix: {self.suggested_fix}"
        return self.message

    def __repr__(self) -> str:
        about = f", slug={self.slug!r}" if self.slug else ""
        status = f", status={self.status}" if self.status else ""
        return f"{type(self).__name__}({self.code!r}, {self.message!r}{status}{about})"

    def __reduce__(self) -> tuple[vendo._types.Any, ...]:
        # OSError's own way to pickle knows nothing of these attributes.
        return _restore, (type(self), self.__dict__.copy())

    def replace(self, **changes: object) -> vendo._types.Self:
        """A copy with some attributes changed. One error never serves two callers: each raise
        would add its own frames to a traceback that they share.
        """
        return _restore(type(self), {**self.__dict__, **changes})


def without_frames(error: _Any) -> _Any:
    """The error, rid of the frames that it came through, to be raised again `from None`.

    Debug pages and reports of errors show the variables of every frame, and those inside a client
    hold the key, the user's JWT and tokens.
    """
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def _restore(cls: type[_E], state: dict[str, Any]) -> _E:
    error = cls.__new__(cls)
    error.args = (state["message"],)
    error.__dict__.update(state)
    return error


class AuthError(VendoError):
    """The API key is missing, malformed, unknown, revoked or expired."""


class NotConnected(VendoError):
    """No credential for this slug: nothing is set (OSS mode), or connected (Vendo mode)."""


class NeedsReauth(VendoError):
    """The person who connected the provider must authorize it again."""


class BalanceExhausted(VendoError):
    """The wallet is empty."""


class SpendCapExceeded(VendoError):
    """A daily or monthly spend cap is reached; `retry_after` says when the window ends."""


class RateLimited(VendoError):
    """Too many calls; `retry_after` says how many seconds to wait."""


class UpstreamError(VendoError):
    """The backend failed, could not be reached, or answered something that is no answer."""


class UpstreamTimeout(UpstreamError, TimeoutError):
    """No complete answer within the time-out."""


class UpstreamConnectionError(UpstreamError, ConnectionError):
    """No connection to the backend, or one that broke."""


class ValidationError(VendoError):
    """A value handed to vendo is malformed; nothing was looked up or sent."""


class IdempotencyConflict(VendoError):
    """An idempotency key was used again for another request."""


class VendoOnlyFeature(VendoError):
    """The call needs Vendo mode, and there is no API key."""


class IdentityNotPresent(VendoError):
    """A request carries no user identity where one is needed."""


class MissingExtra(VendoError, ImportError):
    """The call needs a package that one of vendo-sdk's extras installs."""
