"""`Vendo`: the blocking client."""

from __future__ import annotations

import sys

from vendo import _client
from vendo._client.base import UNSET
from vendo._client.blocking_driver import BlockingDriver, checked_transport
from vendo._config.settings import API_VERSION
from vendo._config.slugs import name_of
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import masked
from vendo._tokens.resolver import is_missing
from vendo.errors import invalid

TYPE_CHECKING = False
if not TYPE_CHECKING:
    import vendo  # `_types` is imported when an annotation is read
    from vendo._client.cached import cached_property
else:
    from functools import cached_property
    from typing import TypeVar, overload

    import vendo._types

    _D = TypeVar("_D")


class Vendo(BlockingDriver):
    """Get credentials of third-party services by name, in blocking code. Both modes.

    Without a key the client follows the environment: Vendo mode while `VENDO_API_KEY` is set, OSS
    mode while it is not. Clients are safe to share by threads, and work after `os.fork()`.

    Args:
        api_key: the app key, `vendo_sk_` and 32 characters; `"byok"` selects OSS mode.
        base_url: the origin of the platform API; `VENDO_BASE_URL`, `VENDO_API_URL` or
            `https://vendo.run` by default.
        credentials_url: the origin of the credentials worker; `VENDO_CREDENTIALS_URL` or
            `https://credentials.vendo.run` by default.
        data_proxy_url: the origin of the data proxy; `VENDO_DATA_PROXY_URL` or
            `https://composio-proxy.vendo.run` by default.
        api_version: the version of the platform API.
        timeout: seconds that one call may take, with its retries and pauses.
        retry: how often a call is attempted.
        transport: sends requests, in place of the kept connections of `http.client`. It is not
            used for streams of events, which have connections of their own.

    Raises:
        AuthError: the key contains white space or control characters.
        ValidationError: a key must not be sent to one of the addresses, or another argument is
            malformed.

    Example:
        ```python
        import vendo

        with vendo.Vendo(timeout=10) as client:
            print(len(client.token("openai")))
        ```
    """

    def __init__(
        self,
        api_key: str | None = None,
        base_url: str | None = None,
        *,
        credentials_url: str | None = None,
        data_proxy_url: str | None = None,
        api_version: str = API_VERSION,
        timeout: float = 30.0,
        retry: RetryPolicy | None = None,
        transport: _client.Transport | None = None,
    ) -> None:
        api_key, base_url = masked(api_key), masked(base_url)
        credentials_url, data_proxy_url = masked(credentials_url), masked(data_proxy_url)
        super().__init__(
            api_key,
            base_url,
            credentials_url=credentials_url,
            data_proxy_url=data_proxy_url,
            api_version=api_version,
            timeout=timeout,
            retry=retry,
        )
        self._transport = checked_transport(transport)

    if TYPE_CHECKING:

        @overload
        def token(self, slug: _client.Slug | str) -> str: ...
        @overload
        def token(self, slug: _client.Slug | str, *, default: _D) -> str | _D: ...

    def token(
        self, slug: _client.Slug | str, *, default: vendo._types.Any = UNSET
    ) -> str | vendo._types.Any:
        """Return the credential of a provider. Both modes.

        `VENDO_TOKEN_<SLUG>` wins. In Vendo mode, the token comes from the credentials worker,
        through the process's cache. In OSS mode, it comes from the provider's conventional
        variables, which are read at each call.

        Args:
            slug: the provider, such as `"openai"`. The case does not matter.
            default: what to return where there is none. Every other error is raised all the same.

        Returns:
            The token, or the default.

        Raises:
            NotConnected: there is none, and no default; the error has a fix.
            NeedsReauth: the user who connected it must authorize it again.
            AuthError: the API key is malformed, or the backend rejects it.
            UpstreamError: the backend failed, and no good token is cached.
            ValidationError: the slug or the value of a variable is malformed.

        Example:
            ```python
            import vendo

            api_key = vendo.token("openai")
            dsn = vendo.token("sentry", default=None)
            ```
        """
        try:
            found = self._look_up(slug)
            return found if isinstance(found, str) else self._run(self._fetching(*found))
        except Exception as error:
            if default is not UNSET and is_missing(error):
                return default
            raise

    def tokens(self, slugs: vendo._types.Iterable[_client.Slug | str]) -> dict[str, str | None]:
        """Return the credentials of several providers. Both modes.

        In Vendo mode, one request fetches all that are not cached.

        Args:
            slugs: the providers. The keys of the result are equal to these texts.

        Returns:
            The tokens by slug, None for a provider without one.

        Raises:
            AuthError: the API key is malformed, or the backend rejects it.
            UpstreamError: the backend failed, and one of the tokens is not cached.
            ValidationError: a slug or the value of a variable is malformed.

        Example:
            ```python
            import vendo

            tokens = vendo.tokens(["openai", "slack"])
            print([slug for slug, token in tokens.items() if token is None])
            ```
        """
        return self._run(self._resolving(slugs))

    def check(self, slugs: vendo._types.Iterable[_client.Slug | str] = ()) -> vendo.Health:
        """Find out which credentials the program would not get, for a health page. Both modes.

        In Vendo mode it sends one request, which takes at most five seconds, and does not use the
        cache. Without slugs, it checks that the backend accepts the key. Problems are returned and
        not raised.

        Args:
            slugs: the providers that the program needs.

        Returns:
            The result, which is true in a condition if there is no problem.

        Raises:
            ValidationError: a slug is malformed.

        Example:
            ```python
            import vendo

            with vendo.Vendo() as client:
                print(client.check(["openai", "slack"]).problems)
            ```
        """
        from vendo._client.health import check

        return self._run(check(self._settings, slugs))

    def session(
        self,
        slug: _client.Slug | str,
        *,
        hosts: vendo._types.Sequence[str] = (),
        base_url: str | None = None,
        override: bool = False,
    ) -> vendo._types.requests.Session:
        """Return an authenticated `requests.Session` that renews its token on a 401. Both modes.

        Each request carries the current token where the provider wants it, and only to the hosts of
        the provider. A relative URL is resolved against the provider's base URL. Needs the extra
        `http`.

        Args:
            slug: the provider.
            hosts: further hosts that the token may be sent to, such as `"api.example.com"`.
            base_url: resolves relative URLs, in place of `<SLUG>_BASE_URL` and the catalog's. The
                token may be sent to its host.
            override: True to replace a credential that a request comes with: in the headers and
                the query fields in which the provider takes one, and in the path. It is for an SDK
                that always sends a key of its own.

        Returns:
            A new session. Its connections are shared by all sessions of the client. Each request
            raises what `token` raises.

        Raises:
            MissingExtra: requests is not installed.
            ValidationError: the slug, a host or the base URL is malformed.

        Example:
            ```python
            import vendo

            github = vendo.session("github")
            print(github.get("/user").status_code)
            ```
        """
        from vendo._config.extras import require

        require("requests", "http")
        from vendo._sessions.requests_session import make_session

        slug = name_of(slug).slug
        return make_session(self, slug, hosts=hosts, base_url=base_url, override=override)

    def auth(
        self,
        slug: _client.Slug | str,
        *,
        hosts: vendo._types.Sequence[str] = (),
        override: bool = False,
    ) -> vendo._types.AuthBase:
        """Return a requests `AuthBase` with the rules of `session`, for a session of your own.

        Both modes. Needs the extra `http`.

        Args:
            slug: the provider.
            hosts: further hosts that the token may be sent to.
            override: True to replace a credential that a request comes with, as from an SDK.

        Returns:
            The value for `auth=`. Each request raises what `token` raises.

        Raises:
            MissingExtra: requests is not installed.
            ValidationError: the slug or a host is malformed. A request also raises it if the token
                goes into the path, as Telegram's does. Only `session` keeps it out of logs.

        Example:
            ```python
            import requests

            import vendo

            response = requests.get("https://api.github.com/user", auth=vendo.auth("github"))
            ```
        """
        from vendo._config.extras import require

        require("requests", "http")
        from vendo._sessions.requests_auth import VendoAuth

        return VendoAuth(self, name_of(slug).slug, hosts=hosts, override=override)

    def token_provider(self, slug: _client.Slug | str) -> vendo._types.Callable[[], str]:
        """Return a callable that returns the current token of a provider. Both modes.

        It is for an SDK that calls a function for each request. Such an SDK cannot report that the
        token was rejected: prefer `session`, `auth` or `httpx_auth` with `override=True` where the
        SDK takes one. It has a `__name__`, and can be pickled as far as the client can.

        Args:
            slug: the provider.

        Returns:
            A function without arguments. Calling it raises what `token` raises.

        Raises:
            ValidationError: the slug is malformed.

        Example:
            ```python
            import vendo

            get_token = vendo.token_provider("openai")
            print(len(get_token()))
            ```
        """
        from vendo._client.token_providers import TokenProvider

        return TokenProvider(self, name_of(slug).slug)

    @cached_property
    def connections(self) -> _client.ConnectionsAPI:
        """The providers of this deployment, connected or not. Both modes."""
        return _client.ConnectionsAPI(self)

    @cached_property
    def integrations(self) -> _client.IntegrationsAPI:
        """The providers that the platform offers. Both modes."""
        return _client.IntegrationsAPI(self)

    @cached_property
    def billing(self) -> _client.BillingAPI:
        """The wallet. Vendo mode."""
        return _client.BillingAPI(self)

    @cached_property
    def events(self) -> _client.EventsAPI:
        """The events of the platform. Vendo mode."""
        return _client.EventsAPI(self)

    @cached_property
    def data(self) -> _client.DataAPI:
        """Actions on connected accounts. Vendo mode."""
        return _client.DataAPI(self)

    def close(self) -> None:
        """Close the kept connections. Cached tokens that no other client uses are dropped soon.

        The end of a `with` block does the same. The connections of a client that is scoped to
        a user belong to another, and stay open.

        Example:
            ```python
            import vendo

            client = vendo.Vendo()
            print(client.is_vendo_mode())
            client.close()
            ```
        """
        self._retire_tokens()
        if self._root is not self:
            return
        transport = self._transport or self._made.get("transport")
        if transport is not None:
            transport.close()
        if "vendo._sessions.requests_adapter" in sys.modules:  # there may be sessions
            # Not from `sys.modules`: another thread may be importing it.
            from vendo._sessions.requests_adapter import close_adapter

            close_adapter(self)

    def __enter__(self) -> vendo._types.Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: vendo._types.TracebackType | None,
    ) -> None:
        self.close()

    def __getstate__(self) -> dict[str, vendo._types.Any]:
        if self._settings.user is not None:
            raise invalid(
                "A client that is scoped to a user cannot be pickled: it contains the user's JWT.",
                fix="Pass the JWT yourself, and call for_user() in the other process.",
            )
        # The default transport is made again. One of the caller's own must support pickles.
        return {"settings": self._settings, "transport": self._transport}

    def __setstate__(self, state: dict[str, vendo._types.Any]) -> None:
        self._settings = state["settings"]
        self._transport = state["transport"]
        self._root = self
        self._made = {}
