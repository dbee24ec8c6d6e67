"""What a client was told, and what the environment says where it was told nothing.

The environment is read at each call and never kept, so that a client made at import time sees a
variable that is set later. Only what follows from unchanged values is remembered.
"""

from __future__ import annotations

from vendo._config import environment
from vendo._config.api_keys import PLACEHOLDER_KEY, checked_key
from vendo._protocol.retry import RetryPolicy
from vendo.errors import (
    AuthError,
    ValidationError,
    VendoError,
    VendoOnlyFeature,
    without_frames,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from vendo._protocol.calls import Caller

    #: Vendo mode as it stands at this moment: the credentials URL and the key. The beginning of
    #: every key of the token cache.
    Scope: TypeAlias = tuple[str, str]

API_VERSION = "2026-05-02"
#: Seconds. The system's own waits take no number of any size.
LONGEST_TIMEOUT = 86_400.0


class Settings:
    """The settings of one client and of all that are scoped out of it."""

    __slots__ = (
        "_api_key",
        "_base_url",
        "_credentials_url",
        "_data_proxy_url",
        "_follows_key",
        "_memo",
        "api_version",
        "key_was_left_out",
        "needs_key",
        "retry",
        "timeout",
    )

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        credentials_url: str | None = None,
        data_proxy_url: str | None = None,
        *,
        api_version: str = API_VERSION,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._follows_key = api_key is None or (isinstance(api_key, str) and not api_key.strip())
        self._api_key = None if self._follows_key else checked_key(api_key, "api_key=")
        self._base_url = _checked(base_url, "base_url=")
        self._credentials_url = _checked(credentials_url, "credentials_url=")
        self._data_proxy_url = _checked(data_proxy_url, "data_proxy_url=")
        if (
            isinstance(timeout, bool)
            or not isinstance(timeout, int | float)
            or not 0 < timeout <= LONGEST_TIMEOUT
        ):
            raise ValidationError(
                "validation_failed",
                f"timeout= is {timeout!r:.40}; it takes a number of seconds, "
                f"greater than 0 and up to {LONGEST_TIMEOUT:.0f} (a day).",
            )
        if not (
            isinstance(api_version, str)
            and api_version.strip()
            and api_version.isascii()
            and api_version.isprintable()
        ):
            raise ValidationError(
                "validation_failed", "api_version= takes a date such as 2026-05-02."
            )
        if retry is not None and not isinstance(retry, RetryPolicy):
            raise ValidationError(
                "validation_failed",
                f"retry= is of type {type(retry).__name__}, and takes a RetryPolicy.",
                suggested_fix="Write retry=vendo.RetryPolicy(attempts=3).",
            )
        self.api_version = api_version
        self.timeout = float(timeout)
        self.retry = RetryPolicy() if retry is None else retry
        #: True for a client that came out of a pickle: its key was not in there.
        self.key_was_left_out = False
        #: True for a client that has no OSS mode: to be without a key is an error there.
        self.needs_key = False
        #: What the environment held, and the scope that follows from it: one object, so that two
        #: threads never mix theirs.
        self._memo: tuple[object, Scope | None] = (None, None)

    def __getstate__(self) -> dict[str, object]:
        """All but the key: a pickle may be written anywhere."""
        return {
            "base_url": self._base_url,
            "credentials_url": self._credentials_url,
            "data_proxy_url": self._data_proxy_url,
            "api_version": self.api_version,
            "timeout": self.timeout,
            "retry": self.retry,
            "api_key": PLACEHOLDER_KEY if self.is_fixed_to_oss else None,
            "key_was_left_out": self.key_was_left_out or self._api_key is not None,
        }

    def __setstate__(self, state: dict[str, object]) -> None:
        left_out = state.pop("key_was_left_out")
        self.__init__(**state)  # type: ignore[misc]  # slots hold no other way to begin anew
        self.key_was_left_out = bool(left_out)

    @property
    def is_fixed_to_oss(self) -> bool:
        """True where the placeholder was given as the key."""
        return not self._follows_key and self._api_key is None

    def scope(self) -> Scope | None:
        """The credentials URL and the key, or None in OSS mode.

        Raises:
            AuthError: as for `api_key`.
            ValidationError: no key may be sent to the credentials URL.
        """
        raw = (environment.API_KEY.raw(), environment.CREDENTIALS_URL.raw())
        memo = self._memo
        if memo[0] == raw:
            return memo[1]
        try:
            key = self.api_key()
            scope = None if key is None else (self.credentials_url(), key)
        except VendoError as error:
            raw = memo = key = None  # type: ignore[assignment]  # debug pages show variables
            raise without_frames(error) from None
        self._memo = (raw, scope)
        return scope

    def api_key(self) -> str | None:
        """The key to send, or None in OSS mode.

        Raises:
            AuthError: it is malformed, was left out of a pickle and is not to be had, or there is
                none and the client needs one.
        """
        if self._follows_key:
            key = checked_key(environment.API_KEY.text(), environment.API_KEY.name)
        else:
            key = self._api_key
        if key is None and self.needs_key:
            raise AuthError(
                "app_unknown",
                "AsyncVendo needs an API key, and there is none.",
                suggested_fix="Set VENDO_API_KEY, or use vendo.aio.token(), which works in OSS "
                "mode too.",
            )
        if key is None and self.key_was_left_out:
            raise AuthError(
                "app_unknown",
                "This client was unpickled, and a pickle never holds the API key.",
                suggested_fix="Set VENDO_API_KEY where it is unpickled, or make the client there.",
            )
        return key

    def needed_key(self, feature: str) -> str:
        """The key, for something that there is in Vendo mode alone.

        Raises:
            VendoOnlyFeature: there is no key.
        """
        key = self.api_key()
        if key is None:
            raise VendoOnlyFeature(
                "vendo_only_feature",
                f"{feature} needs Vendo mode, and there is no API key.",
                suggested_fix="Set VENDO_API_KEY, or give api_key= to the client.",
            )
        return key

    def is_vendo_mode(self) -> bool:
        """True where there is a key, well formed or not, or nothing goes without one."""
        if not self._follows_key:
            return self._api_key is not None
        value = (environment.API_KEY.text() or "").strip()
        return value not in {"", PLACEHOLDER_KEY} or self.key_was_left_out or self.needs_key

    def base_url(self) -> str:
        """The platform API's origin."""
        from vendo._protocol.origins import DEFAULT_BASE_URL, origin_in, platform_origin

        if self._base_url:
            return platform_origin(self._base_url, "base_url=")
        return (
            origin_in(environment.BASE_URL, platform_origin)
            or origin_in(environment.API_URL, platform_origin)
            or DEFAULT_BASE_URL
        )

    def credentials_url(self) -> str:
        """The credentials worker's origin."""
        from vendo._protocol.origins import DEFAULT_CREDENTIALS_URL, origin_in

        return (
            self._credentials_url
            or origin_in(environment.CREDENTIALS_URL)
            or DEFAULT_CREDENTIALS_URL
        )

    def data_proxy_url(self) -> str:
        """The data proxy's origin."""
        from vendo._protocol.origins import DEFAULT_DATA_PROXY_URL, origin_in

        return (
            self._data_proxy_url or origin_in(environment.DATA_PROXY_URL) or DEFAULT_DATA_PROXY_URL
        )

    def caller(self, api_key: str | None, user_jwt: str | None) -> Caller:
        """Who makes a call, and how patiently."""
        from vendo._protocol.calls import Caller

        return Caller(
            api_key,
            user_jwt,
            timeout=self.timeout,
            retry=self.retry,
            api_version=self.api_version,
        )


def _checked(url: str | None, name: str) -> str | None:
    if url is None or (isinstance(url, str) and not url.strip()):
        return None
    from vendo._protocol.origins import given_origin

    return given_origin(url, name)
