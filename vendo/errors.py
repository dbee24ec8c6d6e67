"""Every error that vendo raises: one class a cause, so that callers catch what they can act on.

All of them are a `VendoError` with the same attributes. `str(error)` is the message followed by the
suggested fix. `type(error)(*error.args)` is the same error again: so task queues and process pools
return one. No attribute contains a token, a key or a JWT.
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
    "ConnectTimeout",
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


#: What the constructor takes, in this order.
_ATTRIBUTES = (
    "code",
    "message",
    "status",
    "slug",
    "connect_url",
    "retry_after",
    "suggested_fix",
)


class VendoError(Exception):
    """Report that a call failed: the base class of all errors of vendo.

    Attributes:
        code: a stable machine-readable word such as `binding_missing` (wire contract, "Errors").
        message: what happened, in a sentence.
        status: the HTTP status of the response, or None without a response.
        slug: the provider, or None.
        connect_url: the address where a user can connect the provider, if the backend sent one.
        retry_after: whole seconds to wait before the next try, if the backend sent a number.
        suggested_fix: what to do next, in a sentence, or None.
        args: these seven, in this order, as the constructor takes them.

    Example:
        ```python
        import vendo

        try:
            vendo.token("openai")
        except vendo.VendoError as error:
            print(error.code, error.message, error.suggested_fix)
        ```
    """

    code: str
    message: str
    status: int | None
    slug: str | None
    connect_url: str | None
    retry_after: int | None
    suggested_fix: str | None
    args: tuple[vendo._types.Any, ...]

    def __init__(
        self,
        code: str,
        message: str,
        status: int | None = None,
        slug: str | None = None,
        connect_url: str | None = None,
        retry_after: int | None = None,
        suggested_fix: str | None = None,
    ) -> None:
        # The message alone: OSError, a base of some, would take several for an errno and a file.
        super().__init__(message)
        self.args = (code, message, status, slug, connect_url, retry_after, suggested_fix)
        self.code = code
        self.message = message
        self.status = status
        self.slug = slug
        self.connect_url = connect_url
        self.retry_after = retry_after
        self.suggested_fix = suggested_fix

    def __str__(self) -> str:
        if self.suggested_fix:
            end = "" if self.message.endswith((".", "!", "?")) else "."
            return f"{self.message}{end} Fix: {self.suggested_fix}"
        return self.message

    def __repr__(self) -> str:
        about = f", slug={self.slug!r}" if self.slug else ""
        status = f", status={self.status}" if self.status else ""
        return f"{type(self).__name__}({self.code!r}, {self.message!r}{status}{about})"

    def __reduce__(self) -> tuple[vendo._types.Any, ...]:
        # The pickles of OSError, a base of some, leave these attributes out.
        return _restore, (type(self), self.__dict__.copy())

    def replace(self, **changes: object) -> vendo._types.Self:
        """Copy the error, with some attributes changed.

        Each caller gets a copy of its own: a raise adds frames to the traceback.

        Args:
            **changes: the new values by attribute.

        Returns:
            A new error of the same class.

        Example:
            ```python
            import vendo

            error = vendo.AuthError("app_unknown", "The key is not known.")
            print(error.replace(suggested_fix="Check VENDO_API_KEY."))
            ```
        """
        return _restore(type(self), {**self.__dict__, **changes})


def without_frames(error: _Any) -> _Any:
    """Cut the traceback of an error at the boundary of the library, to be raised `from None`.

    Error reporters show the variables of every frame. The frames of a call to the backend, those of
    `http.client` and `json` included, contain responses and tokens in plain text.
    """
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


def invalid(message: str, *, slug: str | None = None, fix: str | None = None) -> ValidationError:
    """Make the error for a malformed value, for the caller to raise.

    Args:
        message: what is wrong, in a sentence.
        slug: the provider that it is about.
        fix: what to do, which the text of the error ends with.

    Returns:
        A `ValidationError` with the code `validation_failed`.

    Example:
        ```python
        from vendo.web import invalid

        print(invalid("The time-out must be a number.", fix="Write timeout=10."))
        ```
    """
    return ValidationError("validation_failed", message, slug=slug, suggested_fix=fix)


def invalid_environment(message: str, *, fix: str) -> ValidationError:
    """Make the error for a malformed value of the environment, which no request can cause."""
    error = invalid(message, fix=fix)
    error._is_of_environment = True
    return error


def _restore(cls: type[_E], state: dict[str, Any]) -> _E:
    # Not by the constructor, which a subclass may have changed.
    error = cls.__new__(cls)
    error.__dict__.update(state)
    error.args = tuple(state[name] for name in _ATTRIBUTES)
    if isinstance(error, MissingExtra):  # as ImportError's constructor does
        error.msg = error.message
    return error


class AuthError(VendoError):
    """The API key is missing, malformed, unknown, revoked or expired.

    A retry does not help. Vendo mode.
    """


class NotConnected(VendoError):
    """There is no credential: no variable is set (OSS mode), or none connected (Vendo mode).

    Example:
        ```python
        import vendo

        try:
            vendo.token("openai")
        except vendo.NotConnected as error:
            print("Connect", error.slug, "first:", error.suggested_fix)
        ```
    """


class ConnectTimeout(NotConnected, TimeoutError):
    """The provider was not connected in time (`connections.wait`). Vendo mode.

    Example:
        ```python
        import vendo

        try:
            vendo.connections.wait("slack", timeout=5)
        except TimeoutError:  # a ConnectTimeout
            print("Open the link, and try again.")
        ```
    """


class NeedsReauth(VendoError):
    """The user who connected the provider must authorize it again. Vendo mode.

    Example:
        ```python
        import vendo

        try:
            vendo.token("gmail")
        except (vendo.NotConnected, vendo.NeedsReauth) as error:
            link = error.connect_url or vendo.connect_url("gmail")
        ```
    """


class BalanceExhausted(VendoError):
    """The wallet is empty. Vendo mode.

    Example:
        ```python
        import vendo

        try:
            vendo.data.execute("GMAIL_FETCH_EMAILS")
        except vendo.BalanceExhausted:
            print("Top up at", vendo.billing.balance().top_up_url)
        ```
    """


class SpendCapExceeded(VendoError):
    """A daily or monthly spend cap is reached. `retry_after` is the time until it is reset.

    The time is in seconds. Vendo mode.
    """


class RateLimited(VendoError):
    """Too many calls. `retry_after` is the number of seconds to wait. Vendo mode.

    Example:
        ```python
        import time

        import vendo

        try:
            token = vendo.token("openai")
        except vendo.RateLimited as error:
            time.sleep(error.retry_after or 1)
        ```
    """


class UpstreamError(VendoError):
    """The backend failed, could not be reached, or sent a malformed response.

    The library has retried the call already. Try again later. Vendo mode.

    Example:
        ```python
        import vendo

        try:
            slugs = vendo.connections.connected_slugs()
        except vendo.UpstreamError:
            slugs = []
        ```
    """


class UpstreamTimeout(UpstreamError, TimeoutError):
    """No complete response came within the time-out. It is a `TimeoutError` too. Vendo mode."""


class UpstreamConnectionError(UpstreamError, ConnectionError):
    """The connection to the backend failed or broke. It is a `ConnectionError` too. Vendo mode."""


class ValidationError(VendoError):
    """A value is malformed: an argument, a variable, a token, or what the backend rejects so.

    Both modes.

    Example:
        ```python
        import vendo

        try:
            vendo.token("open ai")
        except vendo.ValidationError as error:
            print(error.message)
        ```
    """

    #: About the environment; about a file that it names, and that does not exist.
    _is_of_environment = False
    _is_of_missing_file = False


class IdempotencyConflict(VendoError):
    """An idempotency key was used again for another request (`data.execute`). Vendo mode."""


class VendoOnlyFeature(VendoError):
    """The call needs Vendo mode, and there is no API key. OSS mode.

    Example:
        ```python
        import vendo

        try:
            vendo.Vendo("byok").billing.balance()
        except vendo.VendoOnlyFeature as error:
            print(error.suggested_fix)
        ```
    """


class IdentityNotPresent(VendoError):
    """The request has no signed-in user (`for_request`, `for_user`). Vendo mode.

    Example:
        ```python
        import vendo

        try:
            client = vendo.for_request({})
        except vendo.IdentityNotPresent:
            client = vendo.Vendo()
        ```
    """


class MissingExtra(VendoError, ImportError):
    """The call needs a package that is not installed. It is an `ImportError` too. Both modes.

    The fix is the command that installs it: an extra of vendo-sdk.
    """
