"""`AsyncVendo`: the asyncio client."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar, overload

import vendo
from vendo import _client, _types
from vendo._catalog.slug_type import Slug
from vendo._client.async_transports import checked_transport, default_transport, make_transport
from vendo._client.base import UNSET, BaseClient
from vendo._config.settings import API_VERSION
from vendo._config.slugs import name_of
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import masked
from vendo._tokens.cache import shared
from vendo._tokens.resolver import is_missing
from vendo.errors import VendoError, invalid, without_frames

TYPE_CHECKING = False
if not TYPE_CHECKING:
    from vendo._client.cached import cached_property
else:
    from functools import cached_property

    from vendo._protocol.secret import Secret
    from vendo._protocol.steps import Flow
    from vendo._transports.blocking import BlockingTransport

_T = TypeVar("_T")
_D = TypeVar("_D")


class AsyncVendo(BaseClient):
    """Credentials of third-party services, by name, for asyncio code. Vendo mode.

    It has the methods of `Vendo`, to be awaited, and shares the token cache with all other clients
    of the process. One client serves any number of event loops, also in several threads.

    Args:
        api_key: the app key; `VENDO_API_KEY` by default.
        base_url, credentials_url, data_proxy_url, api_version, timeout, retry: as for `Vendo`.
        transport: `"aiohttp"`, `"threads"` (the standard library), or an object that sends
            requests. By default aiohttp if it is installed, else threads.

    Raises:
        AuthError: there is no key, or it contains white space or control characters. The calls
            raise it too, if `VENDO_API_KEY` is not set any more.
        MissingExtra: `"aiohttp"` is not installed.
        ValidationError: a key must not be sent to one of the addresses, or another argument is
            malformed.
    """

    _root: AsyncVendo
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
        """Return the credential of a provider; see `Vendo.token`."""
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
        """Return the credentials of several providers; see `Vendo.tokens`."""
        return await self._run(self._resolving(slugs))

    async def check(self, slugs: Iterable[Slug | str] = ()) -> vendo.Health:
        """Find out which credentials the program would not get; see `Vendo.check`."""
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

        Raises:
            MissingExtra: aiohttp is not installed.
            ValidationError: the slug, a host or the base URL is malformed.
        """
        from vendo._config.extras import require

        require("aiohttp", "async")
        from vendo._sessions.aiohttp_session import make_session

        slug = name_of(slug).slug
        return await make_session(self, slug, hosts=hosts, base_url=base_url, override=override)

    def token_provider(self, slug: Slug | str) -> Callable[[], Awaitable[str]]:
        """Do the same as `async_token_provider`."""
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
        """Close the kept connections of this event loop. Cached tokens are dropped as by `close`.

        The connections of a client that is scoped to a user belong to another, and stay open.
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
        """Do the same as `aclose`."""
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

    async def _run(self, flow: Flow[_T]) -> _T:
        """Drive a flow. Errors leave the library here: nothing of a call is in their frames."""
        from vendo._transports.async_driver import run

        shared.sweep()
        handled = sys.exception()
        try:
            return await run(flow, self._root._opened_transport)
        except VendoError as error:
            raise without_frames(error) from None
        except BaseException as error:
            from vendo._protocol.tracebacks import cut_tracebacks

            cut_tracebacks(error, handled, "vendo")
            raise

    def _opened_transport(self) -> _client.AsyncTransport:
        chosen = self._transport
        if chosen is not None and not isinstance(chosen, str):
            return chosen
        return self._make_once("transport", lambda: make_transport(chosen or default_transport()))

    def _stream_transport(self) -> BlockingTransport:
        """Return the transport of `events.watch`, which reads in a thread."""
        from vendo._transports.blocking import BlockingTransport

        return BlockingTransport()


class ModeFollowingAsyncVendo(AsyncVendo):
    """An `AsyncVendo` that works in OSS mode too; see `vendo.aio.client`."""

    _needs_key = False
