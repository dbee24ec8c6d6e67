"""What the blocking and the asyncio client have in common: everything without I/O."""

from __future__ import annotations

from vendo import _client
from vendo._client.arguments import checked_jwt, checked_token
from vendo._client.cached import twin
from vendo._client.token_chain import TokenChain
from vendo._config.settings import API_VERSION, Settings
from vendo._config.slugs import name_of
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import masked
from vendo.errors import IdentityNotPresent, invalid

TYPE_CHECKING = False
if not TYPE_CHECKING:
    import vendo  # `_types` is imported when an annotation is read
    from vendo._client.cached import cached_property
else:
    from collections.abc import Callable
    from functools import cached_property
    from typing import Any, TypeVar

    import vendo._types

    _T = TypeVar("_T")


class _Unset:
    """The value of an argument that was left out. pydantic takes an ellipsis for "required"."""

    def __repr__(self) -> str:
        return "..."


UNSET: Any = _Unset()


class BaseClient(TokenChain):
    """Settings, scope, and the methods without I/O."""

    #: False for a mock, which never sends a request.
    _has_backend = True

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
    ) -> None:
        self._settings = Settings(
            api_key,
            base_url,
            credentials_url,
            data_proxy_url,
            api_version=api_version,
            timeout=timeout,
            retry=retry,
        )
        #: The client with the connections: this one, unless it is scoped to a user.
        self._root = self
        self._made: dict[str, Any] = {}

    def _make_once(self, name: str, make: Callable[[], _T]) -> _T:
        """Return the object of this name. The first caller's is kept, for all threads.

        It takes no lock: a signal handler of the thread that held it would wait for ever.
        """
        made: _T | None = self._made.get(name)
        return self._made.setdefault(name, make()) if made is None else made

    def __repr__(self) -> str:
        mode = "Vendo mode" if self.is_vendo_mode() else "OSS mode"
        user = ", for a user" if self._settings.user else ""
        return f"<{type(self).__name__}, {mode}{user}>"

    def __copy__(self) -> vendo._types.Self:
        return self

    def __deepcopy__(self, _memo: dict[int, vendo._types.Any]) -> vendo._types.Self:
        return self

    @property
    def timeout(self) -> float:
        """Seconds that one call may take, with its retries and pauses."""
        return self._settings.timeout

    @property
    def _local_server(self) -> Callable[[], str | None]:
        return self._settings.local_server

    def is_vendo_mode(self) -> bool:
        """Return True if tokens come from Vendo, False if they come from the environment.

        It reads the environment at each call, and sends no request. Both modes.

        Returns:
            True in Vendo mode, False in OSS mode. A malformed API key is Vendo mode too.

        Example:
            ```python
            import vendo

            print("Vendo mode" if vendo.is_vendo_mode() else "OSS mode")
            ```
        """
        return self._settings.is_vendo_mode()

    def connect_url(
        self,
        slug: _client.Slug | str,
        *,
        return_to: str | None = None,
        state: str | None = None,
    ) -> str:
        """Return the address where a user connects a provider. Vendo mode.

        It contains the API key, as the platform requires. Redirect to it, and do not write it into
        pages or logs.

        Args:
            slug: the provider.
            return_to: the http(s) address to which the user returns.
            state: a text that is added to `return_to`.

        Returns:
            The address. No request is sent.

        Raises:
            VendoOnlyFeature: there is no API key.
            ValidationError: the slug, `return_to` or `state` is malformed.

        Example:
            ```python
            import vendo

            address = vendo.connect_url("slack", return_to="https://app.example.com/done")
            ```
        """
        from urllib.parse import quote, urlencode, urlsplit

        name = name_of(slug)
        key = self._settings.required_key("connect_url")
        query = {}
        if return_to is not None:
            try:
                parts = urlsplit(return_to)
                is_address = parts.scheme in {"http", "https"} and bool(parts.hostname)
            except (ValueError, TypeError, AttributeError):  # perhaps it is not a text
                is_address = False
            if not is_address or not return_to.isprintable():
                raise invalid(
                    "return_to= must be an absolute http(s) address.",
                    slug=name.slug,
                    fix="Pass the whole address, such as https://app.example.com/done.",
                )
            query["return_to"] = return_to
        if state is not None:
            if not isinstance(state, str) or any("\ud800" <= c <= "\udfff" for c in state):
                raise invalid(
                    "state= must be a str that an address can contain.",
                    slug=name.slug,
                    fix="Encode bytes and numbers as text, in base64 for example.",
                )
            query["state"] = state
        base = self._settings.base_url()
        path = f"/connections/connect/{quote(name.slug, safe='')}"
        return f"{base}{path}?{urlencode({'app_key': key.reveal(), **query})}"

    def httpx_auth(
        self,
        slug: _client.Slug | str,
        *,
        hosts: vendo._types.Sequence[str] = (),
        override: bool = False,
    ) -> _client.VendoHttpxAuth:
        """Return an `auth=` for clients of httpx2 and httpx, with the rules of `session`.

        Both modes. That of a `Vendo` serves blocking and asyncio clients, that of an `AsyncVendo`
        an `AsyncClient`. Needs the extra `httpx`.

        Args:
            slug: the provider.
            hosts: further hosts that the token may be sent to.
            override: True to replace a credential that a request comes with, as from an SDK.

        Returns:
            The value for `auth=`. Each request raises what `token` raises.

        Raises:
            MissingExtra: neither httpx2 nor httpx is installed.
            ValidationError: the slug or a host is malformed.

        Example:
            ```python
            import httpx2

            import vendo

            with httpx2.Client(auth=vendo.httpx_auth("github")) as client:
                print(client.get("https://api.github.com/user").status_code)
            ```
        """
        from vendo._config.extras import require

        require("httpx2", "httpx", or_else="httpx")
        from vendo._sessions.httpx_auth import VendoHttpxAuth

        slug = name_of(slug).slug
        return VendoHttpxAuth(self, slug, hosts=hosts, override=override)  # type: ignore[arg-type]  # each subclass is a token source

    def for_user(self, user_jwt: str) -> vendo._types.Self:
        """Return a client for one user: it sends their JWT, and keeps their tokens apart.

        Vendo mode. It is cheap, shares the connections of this client, and is not closed.

        Args:
            user_jwt: the user's JWT, as the platform's proxy sends it.

        Returns:
            The client of the user.

        Raises:
            VendoOnlyFeature: there is no API key.
            IdentityNotPresent: the JWT is blank.
            ValidationError: it contains white space or control characters.

        Example:
            ```python
            import vendo

            user = vendo.for_user("header.payload.signature")
            print(len(user.token("gmail")))
            ```
        """
        user_jwt = masked(user_jwt)
        self._settings.required_key("for_user")
        scoped = twin(self)
        scoped._settings = self._settings.for_user(checked_jwt(user_jwt))
        return scoped

    def for_request(self, headers: object) -> vendo._types.Self:
        """Return `for_user` of the JWT in a request's headers. Vendo mode.

        Args:
            headers: any mapping of headers, a `Headers` or `MultiDict` object, or a WSGI environ.
                The case of names does not matter.

        Returns:
            The client of the user who sent the request.

        Raises:
            VendoOnlyFeature: there is no API key.
            IdentityNotPresent: the header is missing or blank.
            ValidationError: `headers` is of another type, or the JWT is malformed.

        Example:
            ```python
            import vendo

            headers = {"X-Vendo-User-JWT": "header.payload.signature"}
            print(len(vendo.for_request(headers).token("gmail")))
            ```
        """
        from vendo._protocol.headers import JWT_HEADER, RequestHeaders

        headers = RequestHeaders(headers)
        self._settings.required_key("for_request")
        jwt = headers.get(JWT_HEADER)
        if not jwt or not jwt.strip():
            raise IdentityNotPresent(
                "identity_not_present",
                f"The request has no {JWT_HEADER} header.",
                suggested_fix="Check that the request came through the platform's proxy, which "
                "sets the header, and that a user is signed in.",
            )
        return self.for_user(jwt)

    def async_token_provider(
        self, slug: _client.Slug | str
    ) -> vendo._types.Callable[[], vendo._types.Awaitable[str]]:
        """Return a callable for asyncio that returns the current token; see `token_provider`.

        Both modes.

        Args:
            slug: the provider.

        Returns:
            A function without arguments. Await its result, which raises what `token` raises.

        Raises:
            ValidationError: the slug is malformed.

        Example:
            ```python
            import asyncio

            import vendo

            get_token = vendo.async_token_provider("openai")
            print(len(asyncio.run(get_token())))
            ```
        """
        from vendo._client.token_providers import AsyncTokenProvider

        return AsyncTokenProvider(self, name_of(slug).slug)  # type: ignore[arg-type]  # each subclass is a token source

    def invalidate(self, slug: _client.Slug | str, *, token: str | None = None) -> None:
        """Drop the cached token of a provider, so that the next call fetches a new one. Vendo mode.

        A fetch in flight does not restore it. In OSS mode nothing is cached, and this does nothing.

        Args:
            slug: the provider.
            token: a token that the provider rejected. That one alone is fetched again: not a newer
                one, and not one that Vendo has returned again in the last seconds, since the
                provider has another reason then.

        Raises:
            ValidationError: the slug is malformed, or the token is not a str.

        Example:
            ```python
            import vendo

            rejected = vendo.token("openai")
            vendo.invalidate("openai", token=rejected)
            ```
        """
        if token is None:
            self._forget(slug)
        else:
            token = checked_token(masked(token), slug)
            self._reject(slug, token)

    @cached_property
    def webhooks(self) -> _client.WebhooksAPI:
        """Verifies webhooks with `VENDO_WEBHOOK_SECRET`. Both modes."""
        return _client.WebhooksAPI()
