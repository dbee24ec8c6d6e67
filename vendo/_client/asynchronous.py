"""`AsyncVendo`: the asyncio client."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

import vendo
from vendo import _client, _types
from vendo._catalog.slug_type import Slug
from vendo._client.async_driver import AsyncDriver, checked_transport, default_transport
from vendo._client.base import UNSET
from vendo._config.settings import API_VERSION
from vendo._config.slugs import name_of
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import masked
from vendo._tokens.resolver import is_missing
from vendo.errors import invalid

TYPE_CHECKING = False
if not TYPE_CHECKING:
    from vendo._client.cached import cached_property
else:
    from functools import cached_property

    from vendo._protocol.secret import Secret

_D = TypeVar("_D")


class AsyncVendo(AsyncDriver):
    """Get credentials of third-party services by name, in asyncio code. Vendo mode.

    It has the methods of `Vendo`, to be awaited, and shares the token cache with all other clients
    of the process. One client serves any number of event loops, also in several threads. The
    clients of `vendo.aio.client` have the same methods in OSS mode too.

    Args:
        api_key: the app key; `VENDO_API_KEY` by default.
        base_url: the origin of the platform API, as for `Vendo`.
        credentials_url: the origin of the credentials worker, as for `Vendo`.
        data_proxy_url: the origin of the data proxy, as for `Vendo`.
        api_version: the version of the platform API.
        timeout: seconds that one call may take, with its retries and pauses.
        retry: how often a call is attempted.
        transport: `"aiohttp"`, `"threads"` (the standard library), or an object that sends
            requests. By default aiohttp if it is installed, else threads.

    Raises:
        AuthError: there is no key, or it contains white space or control characters. The calls
            raise it too, if `VENDO_API_KEY` is not set any more.
        MissingExtra: `"aiohttp"` is not installed.
        ValidationError: a key must not be sent to one of the addresses, or another argument is
            malformed.

    Example:
        ```python
        import asyncio

        import vendo


        async def main():
            async with vendo.AsyncVendo() as client:
                print(len(await client.token("openai")))


        asyncio.run(main())
        ```
    """

    #: False for the clients of `vendo.aio`, which work in both modes.
    _needs_key = True

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
        transport: _client.AsyncTransport | Literal["aiohttp", "threads"] | None = None,
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
        if self._needs_key:
            self._settings.needs_key = True
            self._settings.api_key()

    def __repr__(self) -> str:
        transport = self._transport
        chosen = transport if isinstance(transport, str) else getattr(transport, "name", transport)
        return f"{super().__repr__()[:-1]}, over {chosen or default_transport()}>"

    if TYPE_CHECKING:

        @overload
        async def token(self, slug: Slug | str) -> str: ...
        @overload
        async def token(self, slug: Slug | str, *, default: _D) -> str | _D: ...

    async def token(self, slug: Slug | str, *, default: Any = UNSET) -> str | Any:
        """Return the credential of a provider, as `Vendo.token` does.

        Args:
            slug: the provider, such as `"openai"`. The case does not matter.
            default: what to return where there is none. Every other error is raised all the same.

        Returns:
            The token, or the default.

        Raises:
            NotConnected: there is none, and no default; the error has a fix.
            NeedsReauth: the user who connected it must authorize it again.
            AuthError: the API key is missing or malformed, or the backend rejects it.
            UpstreamError: the backend failed, and no good token is cached.
            ValidationError: the slug or the value of a variable is malformed.

        Example:
            ```python
            import asyncio

            import vendo

            api_key = asyncio.run(vendo.aio.token("openai"))
            ```
        """
        try:
            found = self._look_up(slug)
            return found if isinstance(found, str) else await self._run(self._fetching(*found))
        except Exception as error:
            if default is not UNSET and is_missing(error):
                return default
            raise

    async def _async_token(self, slug: str, *, rejected: Secret | None = None) -> str:
        if rejected is None:
            return await self.token(slug)
        self._reject(slug, rejected)
        found = self._look_up(slug)
        return (
            found if isinstance(found, str) else await self._run(self._fetching(*found, rejected))
        )

    async def tokens(self, slugs: Iterable[Slug | str]) -> dict[str, str | None]:
        """Return the credentials of several providers, as `Vendo.tokens` does.

        Args:
            slugs: the providers. The keys of the result are equal to these texts.

        Returns:
            The tokens by slug, None for a provider without one.

        Raises:
            AuthError: the API key is missing or malformed, or the backend rejects it.
            UpstreamError: the backend failed, and one of the tokens is not cached.
            ValidationError: a slug or the value of a variable is malformed.

        Example:
            ```python
            import asyncio

            import vendo

            tokens = asyncio.run(vendo.aio.tokens(["openai", "slack"]))
            print([slug for slug, token in tokens.items() if token is None])
            ```
        """
        return await self._run(self._resolving(slugs))

    async def check(self, slugs: Iterable[Slug | str] = ()) -> vendo.Health:
        """Find out which credentials the program would not get, as `Vendo.check` does.

        Args:
            slugs: the providers that the program needs.

        Returns:
            The result, which is true in a condition if there is no problem.

        Raises:
            ValidationError: a slug is malformed.

        Example:
            ```python
            import asyncio

            import vendo

            print(asyncio.run(vendo.aio.client().check(["openai"])).problems)
            ```
        """
        from vendo._client.health import check

        return await self._run(check(self._settings, slugs))

    async def session(
        self,
        slug: Slug | str,
        *,
        hosts: Sequence[str] = (),
        base_url: str | None = None,
        override: bool = False,
    ) -> _types.aiohttp.ClientSession:
        """Return an authenticated `aiohttp.ClientSession` that renews its token on a 401.

        It has the rules of `Vendo.session`. Close it as any other. The connections below are shared
        by all sessions of this client, and closed with the client. Needs the extra `async`.

        Args:
            slug: the provider.
            hosts: further hosts that the token may be sent to, such as `"api.example.com"`.
            base_url: resolves relative URLs, in place of `<SLUG>_BASE_URL` and the catalog's. The
                token may be sent to its host.
            override: True to replace a credential that a request comes with, as from an SDK.

        Returns:
            A new session. Each request raises what `token` raises.

        Raises:
            MissingExtra: aiohttp is not installed.
            ValidationError: the slug, a host or the base URL is malformed.

        Example:
            ```python
            import asyncio

            import vendo


            async def main():
                async with await vendo.aio.session("github") as github:
                    print((await github.get("/user")).status)


            asyncio.run(main())
            ```
        """
        from vendo._config.extras import require

        require("aiohttp", "async")
        from vendo._sessions.aiohttp_session import make_session

        slug = name_of(slug).slug
        return await make_session(self, slug, hosts=hosts, base_url=base_url, override=override)

    def token_provider(self, slug: Slug | str) -> Callable[[], Awaitable[str]]:
        """Return what `async_token_provider` returns: a callable whose result is awaited.

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

            get_token = vendo.aio.token_provider("openai")
            print(len(asyncio.run(get_token())))
            ```
        """
        return self.async_token_provider(slug)

    @cached_property
    def connections(self) -> _client.AsyncConnectionsAPI:
        """The providers of this deployment, connected or not."""
        return _client.AsyncConnectionsAPI(self)

    @cached_property
    def integrations(self) -> _client.AsyncIntegrationsAPI:
        """The providers that the platform offers."""
        return _client.AsyncIntegrationsAPI(self)

    @cached_property
    def billing(self) -> _client.AsyncBillingAPI:
        """The wallet."""
        return _client.AsyncBillingAPI(self)

    @cached_property
    def events(self) -> _client.AsyncEventsAPI:
        """The events of the platform."""
        return _client.AsyncEventsAPI(self)

    @cached_property
    def data(self) -> _client.AsyncDataAPI:
        """Actions on connected accounts."""
        return _client.AsyncDataAPI(self)

    async def aclose(self) -> None:
        """Close the kept connections of this event loop. Cached tokens are dropped soon.

        The end of an `async with` block does the same. The connections of a client that is scoped
        to a user belong to another, and stay open.

        Example:
            ```python
            import asyncio

            import vendo


            async def main():
                print(len(await vendo.aio.token("openai")))
                await vendo.aio.aclose()


            asyncio.run(main())
            ```
        """
        self._retire_tokens()
        if self._root is not self:
            return
        transport = self._transport
        if transport is None or isinstance(transport, str):
            transport = self._made.get("transport")
        if transport is not None:
            await transport.aclose()
        if "vendo._sessions.aiohttp_session" in sys.modules:  # there may be sessions
            # Not from `sys.modules`: another thread may be importing it.
            from vendo._sessions.aiohttp_session import aclose_connector

            await aclose_connector(self)

    async def close(self) -> None:
        """Close the kept connections of this event loop: the same as `aclose`.

        Example:
            ```python
            import asyncio

            import vendo

            client = vendo.AsyncVendo()
            asyncio.run(client.close())
            ```
        """
        await self.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __reduce__(self) -> tuple[object, ...]:
        raise invalid(
            "An AsyncVendo cannot be pickled: its connections belong to this process.",
            fix="Make one in the other process; it is cheap.",
        )


class ModeFollowingAsyncVendo(AsyncVendo):
    """An `AsyncVendo` that works in OSS mode too; see `vendo.aio.client`."""

    _needs_key = False
