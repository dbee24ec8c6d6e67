"""The settings of a client, and what the environment sets where the client was given nothing.

The environment is read at each call, so that a client made at import time sees a variable that is
set later. Only what follows from unchanged values is cached.
"""

from __future__ import annotations

from vendo._config import environment
from vendo._config.api_keys import PLACEHOLDER_KEY, checked_key, environment_key
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import Secret, masked
from vendo.errors import AuthError, ValidationError, VendoOnlyFeature, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from vendo._protocol.calls import Caller

    #: In Vendo mode, the credentials URL and the API key: the first part of a cache key.
    Scope: TypeAlias = tuple[str, Secret]


def _ignore(_before: Scope, _now: Scope | None) -> None:
    return


#: Called where the environment has another key or credentials URL than before. The clients set it.
on_replaced: Callable[[Scope, Scope | None], None] = _ignore

API_VERSION = "2026-05-02"
#: Seconds. The waits of the operating system do not take larger numbers.
MAX_TIMEOUT = 86_400.0


class Settings:
    """The settings of one client, or of one that is scoped to a user."""

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
        self._base_url = _checked_origin(base_url, "base_url")
        self._credentials_url = _checked_origin(credentials_url, "credentials_url")
        self._data_proxy_url = _checked_origin(data_proxy_url, "data_proxy_url")
        if not (
            isinstance(api_version, str)
            and api_version.strip()
            and api_version.isascii()
            and api_version.isprintable()
        ):
            raise invalid(
                f"api_version= must be a version such as {API_VERSION}.",
                fix=f'Write api_version="{API_VERSION}".',
            )
        if retry is not None and not isinstance(retry, RetryPolicy):
            raise invalid(
                f"retry= must be a RetryPolicy, not a value of type {type(retry).__name__}.",
                fix="Write retry=vendo.RetryPolicy(attempts=3).",
            )
        self.api_version = api_version
        self.timeout = checked_timeout(timeout, usual=30)
        self.retry = RetryPolicy() if retry is None else retry
        self.user_jwt: Secret | None = None
        #: A digest of the user's JWT. The keys of the token cache outlive the request.
        self.user: str | None = None
        #: True for a client from a pickle, which does not contain the key.
        self.key_was_left_out = False
        #: True for a client without an OSS mode, where a missing key is an error.
        self.needs_key = False
        #: What the environment contained, and the scope that follows from it. One tuple, so that
        #: two threads never mix theirs.
        self._memo: tuple[object, Scope | None] = (None, None)
        #: The same for the origin of a local server.
        self._local: tuple[object, str | None] = (None, None)

    def for_user(self, jwt: Secret) -> Settings:
        """Copy the settings, scoped to the user with this JWT."""
        from hashlib import sha256

        twin = self._copy()
        twin.user_jwt = jwt
        twin.user = sha256(jwt.encode()).hexdigest()
        return twin

    def within(self, seconds: float) -> Settings:
        """Copy the settings, for calls that take no longer than this."""
        twin = self._copy()
        twin.timeout = min(self.timeout, seconds)
        return twin

    def _copy(self) -> Settings:
        twin = object.__new__(Settings)
        twin.__dict__.update(self.__dict__)
        return twin

    def __getstate__(self) -> dict[str, object]:
        """Everything but the key: a pickle may be written anywhere."""
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
        self.__init__(**state)  # type: ignore[misc]  # a second start, from what the pickle has
        self.key_was_left_out = bool(left_out)

    @property
    def is_fixed_to_oss(self) -> bool:
        """True if the placeholder was given as the key."""
        return not self._follows_key and self._api_key is None

    def scope(self) -> Scope | None:
        """Return the credentials URL and the key, or None in OSS mode.

        Raises:
            AuthError: as for `api_key`.
            ValidationError: the same; or the key must not be sent to the credentials URL.
        """
        memo = self._memo
        if memo[0] == environment.raw_scope():
            return memo[1]
        return self._new_scope()

    def last_scope(self) -> Scope | None:
        """Return the last result of `scope`."""
        return self._memo[1]

    def _new_scope(self) -> Scope | None:
        raw = tuple(map(masked, environment.raw_scope()))
        # The key in a file may change while no variable does.
        reads_file = self._follows_key and environment.API_KEY.source() is environment.API_KEY.file
        key = self.api_key()
        scope = None if key is None else (self.credentials_url(), key)
        if raw == environment.raw_scope():  # else another thread is changing the environment
            before = self._memo[1]
            self._memo = (None if reads_file else raw, scope)
            if before is not None and before != scope:
                on_replaced(before, scope)
        return scope

    def api_key(self) -> Secret | None:
        """Return the key to send, or None in OSS mode.

        Raises:
            AuthError: it is malformed; it was left out of a pickle and is not set here; or the
                client needs one and there is none.
            ValidationError: as for `environment_key`.
        """
        key = environment_key() if self._follows_key else self._api_key
        if key is None and self.needs_key:
            raise AuthError(
                "app_unknown",
                "AsyncVendo needs an API key, and none is set.",
                suggested_fix=_with_key_of_env_file(
                    "Set VENDO_API_KEY, or call vendo.aio.token(), which works in OSS mode too."
                ),
            )
        if key is None and self.key_was_left_out:
            raise AuthError(
                "app_unknown",
                "This client comes from a pickle, which never contains the API key.",
                suggested_fix="Set VENDO_API_KEY in the process that unpickles, or make the client "
                "there.",
            )
        return key

    def required_key(self, feature: str) -> Secret:
        """Return the key, for a feature of Vendo mode.

        Raises:
            VendoOnlyFeature: there is no key.
        """
        key = self.api_key()
        if key is None:
            raise VendoOnlyFeature(
                "vendo_only_feature",
                f"{feature} needs Vendo mode, and no API key is set.",
                suggested_fix=_with_key_of_env_file(
                    "Set VENDO_API_KEY, or pass api_key= to the client."
                ),
            )
        return key

    def is_vendo_mode(self) -> bool:
        """True if there is a key, well formed or not, or the client needs one."""
        if not self._follows_key:
            return self._api_key is not None
        try:
            value = (environment.API_KEY.text() or "").strip()
        except ValidationError:  # its file cannot be read: a call raises it
            return True
        return value not in {"", PLACEHOLDER_KEY} or self.key_was_left_out or self.needs_key

    def base_url(self) -> str:
        """Return the origin of the platform API."""
        from vendo._config.addresses import origin_in
        from vendo._protocol.origins import DEFAULT_BASE_URL, platform_origin

        if self._base_url:
            return platform_origin(self._base_url, "base_url=")
        return (
            origin_in(environment.BASE_URL, DEFAULT_BASE_URL, platform_origin)
            or origin_in(environment.API_URL, DEFAULT_BASE_URL, platform_origin)
            or DEFAULT_BASE_URL
        )

    def local_server(self) -> str | None:
        """Return the origin of the platform API if it is on this machine, else None.

        What listens there is a local server, which has fake providers.
        """
        memo = self._local
        if memo[0] == environment.raw_platform():
            return memo[1]
        raw = tuple(map(masked, environment.raw_platform()))
        from urllib.parse import urlsplit

        from vendo._protocol.origins import is_loopback

        try:
            origin = self.base_url()
        except ValidationError:  # a call to the platform raises it
            local = None
        else:
            local = origin if is_loopback(urlsplit(origin).hostname or "") else None
        self._local = (raw, local)
        return local

    def credentials_url(self) -> str:
        """Return the origin of the credentials worker."""
        from vendo._config.addresses import origin_in
        from vendo._protocol.origins import DEFAULT_CREDENTIALS_URL

        return (
            self._credentials_url
            or origin_in(environment.CREDENTIALS_URL, DEFAULT_CREDENTIALS_URL)
            or DEFAULT_CREDENTIALS_URL
        )

    def data_proxy_url(self) -> str:
        """Return the origin of the data proxy."""
        from vendo._config.addresses import origin_in
        from vendo._protocol.origins import DEFAULT_DATA_PROXY_URL

        return (
            self._data_proxy_url
            or origin_in(environment.DATA_PROXY_URL, DEFAULT_DATA_PROXY_URL)
            or DEFAULT_DATA_PROXY_URL
        )

    def caller(self, api_key: Secret | None) -> Caller:
        """Return what all calls with this key have in common."""
        from vendo._protocol.calls import Caller

        return Caller(
            api_key,
            self.user_jwt,
            timeout=self.timeout,
            retry=self.retry,
            api_version=self.api_version,
        )


def checked_timeout(timeout: float, *, usual: int) -> float:
    """Check `timeout=`, a number of seconds. `usual` is for the fix.

    Raises:
        ValidationError: not a number greater than 0 and at most `MAX_TIMEOUT`.
    """
    if (
        isinstance(timeout, bool)
        or not isinstance(timeout, int | float)
        or not 0 < timeout <= MAX_TIMEOUT
    ):
        raise invalid(
            f"timeout= must be a number of seconds greater than 0 and at most "
            f"{MAX_TIMEOUT:.0f}, not {timeout!r:.40}.",
            fix=f"Write timeout={usual}.",
        )
    return float(timeout)


def _checked_origin(url: str | None, argument: str) -> str | None:
    if url is None or (isinstance(url, str) and not url.strip()):
        return None
    from vendo._protocol.origins import DEFAULT_URLS, given_origin

    return given_origin(url, f"{argument}=", DEFAULT_URLS[argument])


def _with_key_of_env_file(fix: str) -> str:
    from vendo._config.unloaded import with_unloaded  # after a mistake only

    return with_unloaded(fix, environment.names_of([environment.API_KEY]))
