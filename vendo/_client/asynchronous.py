"""`AsyncVendo`: the asyncio client."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Literal, Self, TypeVar

from vendo import _types
from vendo._catalog.slug_type import Slug
from vendo._client.base import BaseClient
from vendo._config.settings import API_VERSION
from vendo._config.slugs import name_of
from vendo._protocol.retry import RetryPolicy
from vendo.errors import ValidationError, VendoError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._protocol.steps import Flow

_T = TypeVar("_T")


class AsyncVendo(BaseClient):
    """Credentials of third-party services, by name, for asyncio code. Vendo mode.

    It has the methods of `Vendo`, to be awaited, and shares its cached tokens with every other
    client of the process. One client serves any number of event loops, one after the other or in
    several threads.

    Args:
        api_key: the app key; `VENDO_API_KEY` by default.
        base_url, credentials_url, data_proxy_url, api_version, timeout, retry: as for `Vendo`.
        transport: `"aiohttp"`, `"threads"` (the standard library), or an object that sends
            requests. By default aiohttp where it is installed, threads where it is not.

    Raises:
        AuthError: there is no key, or it has white space or control characters inside. The calls
            raise it too, where `VENDO_API_KEY` went away since.
        MissingExtra: `"aiohttp"` was asked for and is not installed.
        ValidationError: an address that no key may be sent to, or another argument that is none.
    """

    _root: AsyncVendo

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
        transport: _types.AsyncTransport | Literal["aiohttp", "threads"] | None = None,
    ) -> None:
        try:
            super().__init__(
                api_key,
                base_url,
                credentials_url=credentials_url,
                data_proxy_url=data_proxy_url,
                api_version=api_version,
                timeout=timeout,
                retry=retry,
            )
            self._transport = _checked_transport(transport)
        except VendoError as error:
            del api_key, base_url, credentials_url, data_proxy_url  # debug pages show variables
            raise without_frames(error) from None
        if not self._works_without_key:
            self._settings.needs_key = True  # from now on: the variable may go away later
            self._settings.api_key()

    #: `vendo.aio` makes clients that follow the environment from one mode to the other.
    _works_without_key = False

    def __repr__(self) -> str:
        transport = self._transport
        chosen = transport if isinstance(transport, str) else getattr(transport, "name", transport)
        return f"{super().__repr__()[:-1]}, over {chosen or default_transport()}>"

    async def token(self, slug: Slug | str) -> str:
        """The credential of a provider; see `Vendo.token`."""
        found = self._look_up(slug)
        if isinstance(found, str):
            return found
        flow = self._fetching(*found)
        del found  # it has the key in it, and debug pages show the variables of a frame
        return await self._run(flow)

    async def tokens(self, slugs: Iterable[Slug | str]) -> dict[str, str | None]:
        """The credentials of several providers, None for each that has none; see `Vendo.tokens`."""
        return await self._run(self._resolving(slugs))

    async def session(
        self,
        slug: Slug | str,
        *,
        hosts: Sequence[str] = (),
        base_url: str | None = None,
    ) -> _types.aiohttp.ClientSession:
        """An `aiohttp.ClientSession` that is authenticated, and renews its token on a 401.

        It follows the rules of `Vendo.session`. Close it as any other; the connections under it
        are shared by all sessions of this client, and closed with the client. Needs the extra
        `async`.

        Raises:
            MissingExtra: aiohttp is not installed.
            ValidationError: the slug or a host is malformed.
        """
        from vendo._config.extras import need

        need("aiohttp", "async")
        from vendo._sessions.aiohttp_session import make_session

        return await make_session(self, name_of(slug).slug, hosts=hosts, base_url=base_url)

    def httpx_auth(self, slug: Slug | str, *, hosts: Sequence[str] = ()) -> _types.VendoHttpxAuth:
        """The same as `session`, as an `auth=` for the `AsyncClient` of httpx2 or httpx.

        Raises:
            MissingExtra: neither httpx2 nor httpx is installed.
            ValidationError: the slug or a host is malformed.
        """
        from vendo._config.extras import need

        need("httpx2", "httpx", or_else="httpx")
        from vendo._sessions.httpx_auth import make_httpx_auth

        return make_httpx_auth(self, name_of(slug).slug, hosts=hosts)

    @property
    def connections(self) -> _types.AsyncConnectionsAPI:
        """The providers as they stand for this deployment."""
        from vendo._client.async_apis import AsyncConnectionsAPI

        return AsyncConnectionsAPI(self)

    @property
    def integrations(self) -> _types.AsyncIntegrationsAPI:
        """What the platform offers."""
        from vendo._client.async_apis import AsyncIntegrationsAPI

        return AsyncIntegrationsAPI(self)

    @property
    def billing(self) -> _types.AsyncBillingAPI:
        """The wallet."""
        from vendo._client.async_apis import AsyncBillingAPI

        return AsyncBillingAPI(self)

    @property
    def events(self) -> _types.AsyncEventsAPI:
        """The platform's events as they come."""
        from vendo._client.async_apis import AsyncEventsAPI

        return AsyncEventsAPI(self)

    @property
    def data(self) -> _types.AsyncDataAPI:
        """Actions on people's connected accounts."""
        from vendo._client.async_apis import AsyncDataAPI

        return AsyncDataAPI(self)

    async def aclose(self) -> None:
        """Close the kept connections of this event loop. Called on a client that is scoped to a
        user, it does nothing: the connections are not its own.
        """
        if self._root is not self:
            return
        transport = self._transport
        if transport is not None and not isinstance(transport, str):
            await transport.aclose()
        import sys

        if (
            "vendo._sessions.aiohttp_session" in sys.modules
        ):  # there may be sessions; see `Vendo.close`
            from vendo._sessions.aiohttp_session import aclose_connector

            await aclose_connector(self)

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
        raise ValidationError(
            "validation_failed",
            "An AsyncVendo cannot be pickled: its connections belong to this process.",
            suggested_fix="Make one where it is needed; it is cheap.",
        )

    async def _run(self, flow: Flow[_T]) -> _T:
        from vendo._transports.async_driver import run

        try:
            return await run(flow, self._root._opened_transport)
        except VendoError as error:
            raise without_frames(error) from None

    def _opened_transport(self) -> _types.AsyncTransport:
        with self._lock:
            if self._transport is None or isinstance(self._transport, str):
                self._transport = _made(self._transport or default_transport())
            return self._transport


class ModeFollowingAsyncVendo(AsyncVendo):
    """An `AsyncVendo` that follows the environment into OSS mode too; see `vendo.aio.client`."""

    _works_without_key = True


def default_transport() -> Literal["aiohttp", "threads"]:
    """What sends requests where nothing else was asked for."""
    from importlib.util import find_spec

    return "threads" if find_spec("aiohttp") is None else "aiohttp"


def _checked_transport(
    transport: _types.AsyncTransport | Literal["aiohttp", "threads"] | None,
) -> _types.AsyncTransport | Literal["aiohttp", "threads"] | None:
    if transport == "aiohttp":
        from vendo._config.extras import need

        need("aiohttp", "async")
    elif isinstance(transport, str) and transport != "threads":
        raise ValidationError(
            "validation_failed",
            f"transport={transport[:40]!r} is neither 'aiohttp' nor 'threads'.",
        )
    elif not (transport is None or isinstance(transport, str) or _is_transport(transport)):
        raise ValidationError(
            "validation_failed",
            f"transport= is of type {type(transport).__name__}, and takes 'aiohttp', 'threads' or "
            "an object with send(request), open(request) and aclose().",
        )
    return transport


def _is_transport(transport: object) -> bool:
    return all(callable(getattr(transport, name, None)) for name in ("send", "open", "aclose"))


def _made(name: str) -> _types.AsyncTransport:
    if name == "aiohttp":
        from vendo._transports.aiohttp_transport import AiohttpTransport

        return AiohttpTransport()
    from vendo._transports.threaded import ThreadedTransport

    return ThreadedTransport()
