"""Dependencies for FastAPI, as values: equal arguments give an equal dependency.

So FastAPI resolves each once in a request, and `app.dependency_overrides` finds it:

    app.dependency_overrides[vendo_token("openai")] = lambda: "sk-test"

One of `vendo_client()` or `vendo_sync_client()` counts for all that are made of that client.
Each gets the request or the WebSocket, and leaves the OpenAPI document as it was.
"""

# No `from __future__ import annotations` here: FastAPI reads the annotations of parameters, and
# cannot read them as strings. Those of return values are strings, so that nothing is imported.

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, signature
from typing import Any, Final, Generic, TypeVar, overload
from weakref import finalize

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

import vendo
from vendo import web
from vendo.web import optional
from vendo_starlette.clients import aclient, add_vary, client, request_clients
from vendo_starlette.concurrency import call
from vendo_starlette.identity import identity_of, require_identity
from vendo_starlette.uncalled import to_be_called

_REQUIRED: Final = object()

TYPE_CHECKING = False

_T = TypeVar("_T")


class _Value:
    """Equal to another of its class with equal arguments.

    Not a dataclass: eight of them take as long to make as the rest of this package to import.
    """

    __slots__ = ("_arguments",)

    def __init__(self, *arguments: Any) -> None:
        self._arguments = arguments

    def __repr__(self) -> str:
        return f"{type(self).__name__}{self._arguments}"

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other._arguments == self._arguments

    def __deepcopy__(self, *_: object) -> Any:
        # Without `Depends`, FastAPI takes it for a default, which it copies, or reads the body.
        raise web.invalid(
            "A dependency of vendo_starlette is an argument of Depends.",
            fix="Write Depends around it, such as Depends(vendo_identity()).",
        )

    __get_pydantic_core_schema__ = __deepcopy__

    def __hash__(self) -> int:
        return hash((type(self), self._arguments))


class _Dependency(_Value, ABC, Generic[_T]):
    """Something of the request's user. FastAPI calls it."""

    __slots__ = ()

    async def __call__(
        self,
        connection: HTTPConnection,
        response: Response = None,  # type: ignore[assignment]  # None outside of FastAPI
    ) -> _T:
        """Return the value."""
        value = await self._get(connection)
        used = request_clients(connection.scope).used
        if used and response is not None:
            # FastAPI adds these to what it makes of an endpoint's value. `VendoMiddleware` adds
            # them to every response.
            add_vary(response.headers, used)
        return value

    @abstractmethod
    async def _get(self, connection: HTTPConnection) -> _T:
        """Return the value for a request or a WebSocket."""


async def _asynchronous(connection: HTTPConnection) -> "vendo.AsyncVendo":
    """Return the client that dependencies use: an override of `vendo_client()` is one of all."""
    override = _override_of(connection, ClientDependency)
    return aclient(connection) if override is None else await _called(override, "vendo_client")


async def _blocking(connection: HTTPConnection) -> "vendo.Vendo":
    """Return the same with `vendo_sync_client()`."""
    override = _override_of(connection, SyncClientDependency)
    return client(connection) if override is None else await _called(override, "vendo_sync_client")


# Not by dependencies of our own on `vendo_client()`: each request would take a tenth longer.


def _override_of(connection: HTTPConnection, dependency: Callable[[], object]) -> Any:
    overrides = getattr(connection.scope.get("app"), "dependency_overrides", None)
    return overrides.get(dependency()) if overrides else None


async def _called(override: Callable[..., Any], name: str) -> Any:
    try:
        signature(override).bind()
        is_plain = not (isgeneratorfunction(override) or isasyncgenfunction(override))
    except TypeError:
        is_plain = False
    if not is_plain:
        raise web.invalid(
            f"The override of {name}() must be a function without arguments that returns a client.",
            fix=f"Write app.dependency_overrides[{name}()] = lambda: client.",
        )
    return await call(override)


class TokenDependency(_Dependency[_T]):
    """See `vendo_token`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._arguments[0]!r})"  # a default may be a credential

    def __hash__(self) -> int:
        return hash((type(self), self._arguments[0]))  # a default may be a list

    async def _get(self, connection: HTTPConnection) -> _T:
        slug, default = self._arguments
        kept: dict[str, Any] = {} if default is _REQUIRED else {"default": default}
        token: Any = await (await _asynchronous(connection)).token(slug, **kept)
        found: _T = token
        return found


class SessionDependency(_Dependency["optional.requests.Session"]):
    """See `vendo_session`."""

    __slots__ = ()

    async def _get(self, connection: HTTPConnection) -> "optional.requests.Session":
        slug, hosts, base_url, override = self._arguments
        found = await _blocking(connection)
        return found.session(slug, hosts=hosts, base_url=base_url, override=override)


class AsyncSessionDependency(_Dependency["optional.aiohttp.ClientSession"]):
    """See `vendo_async_session`."""

    __slots__ = ()

    async def _get(self, connection: HTTPConnection) -> "optional.aiohttp.ClientSession":
        slug, hosts, base_url, override = self._arguments
        session = await (await _asynchronous(connection)).session(
            slug, hosts=hosts, base_url=base_url, override=override
        )
        # Not a dependency with `yield`: before 0.118 FastAPI ends those before a stream begins. The
        # response holds the request to the end of streams and background tasks.
        if not iscoroutinefunction(session.detach):  # as that of a mock is
            finalize(connection, session.detach)
        return session


class HttpxDependency(_Dependency["optional.httpx2.AsyncClient"]):
    """See `vendo_httpx`."""

    __slots__ = ()

    async def _get(self, connection: HTTPConnection) -> "optional.httpx2.AsyncClient":
        from vendo_starlette.httpx_clients import make_httpx

        slug, hosts, base_url, override = self._arguments
        found = await _asynchronous(connection)
        pools = request_clients(connection.scope).clients.pools
        return make_httpx(found, pools, slug, hosts=hosts, base_url=base_url, override=override)


class ClientDependency(_Dependency["vendo.AsyncVendo"]):
    """See `vendo_client`."""

    __slots__ = ()

    async def _get(self, connection: HTTPConnection) -> "vendo.AsyncVendo":
        return aclient(connection)


class SyncClientDependency(_Dependency["vendo.Vendo"]):
    """See `vendo_sync_client`."""

    __slots__ = ()

    async def _get(self, connection: HTTPConnection) -> "vendo.Vendo":
        return client(connection)


class IdentityDependency(_Dependency["vendo.VendoIdentity | None"]):
    """See `vendo_identity`."""

    __slots__ = ()

    async def _get(self, connection: HTTPConnection) -> "vendo.VendoIdentity | None":
        (required,) = self._arguments
        identity = identity_of(connection)
        if required:
            require_identity(connection)
        return identity


class WebhookDependency(_Value):
    """See `vendo_webhook`."""

    __slots__ = ()

    async def __call__(self, request: Request) -> "vendo.WebhookEvent":
        """Return the event."""
        from vendo_starlette.webhooks import verified_webhook

        return (await verified_webhook(request)).event


if TYPE_CHECKING:

    @overload
    def vendo_token(slug: "web.Slug | str") -> TokenDependency[str]: ...
    @overload
    def vendo_token(slug: "web.Slug | str", *, default: _T) -> TokenDependency[str | _T]: ...


@to_be_called
def vendo_token(
    slug: "web.Slug | str", *, default: Any = _REQUIRED
) -> TokenDependency[str] | TokenDependency[Any]:
    """Declare a provider's credential, a `str`: `Depends(vendo_token("openai"))`. Both modes.

    Without a credential the request ends with the error of `vendo.token`.

    Args:
        slug: the provider.
        default: what the endpoint gets where there is no credential, such as None.

    Raises:
        ValidationError: the slug is malformed.
    """
    return TokenDependency(web.checked_slug(slug), default)


@to_be_called
def vendo_session(
    slug: "web.Slug | str",
    *,
    hosts: Sequence[str] = (),
    base_url: str | None = None,
    override: bool = False,
) -> SessionDependency:
    """Declare a `requests.Session` for the request's user: `Depends(vendo_session("gmail"))`.

    For endpoints with `def`. In the thread of an event loop it warns once. It opens no connection
    of its own, needs no closing, and works after the request too. Both modes.

    Args:
        slug: the provider.
        hosts: further hosts that may get the token, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may get the token.
        override: True to replace a credential that a request comes with, as from an SDK.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return SessionDependency(*web.checked_session(slug, hosts, base_url, override))


@to_be_called
def vendo_async_session(
    slug: "web.Slug | str",
    *,
    hosts: Sequence[str] = (),
    base_url: str | None = None,
    override: bool = False,
) -> AsyncSessionDependency:
    """Declare an `aiohttp.ClientSession` for the request's user, for endpoints with `async def`.

    `Depends(vendo_async_session("gmail"))` opens no connection of its own, and is closed after the
    request, its stream and its background tasks. Code that goes on after that gets a session from
    `vendo_client()`. Both modes.

    Args:
        slug: the provider.
        hosts: further hosts that may get the token, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may get the token.
        override: True to replace a credential that a request comes with, as from an SDK.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return AsyncSessionDependency(*web.checked_session(slug, hosts, base_url, override))


@to_be_called
def vendo_httpx(
    slug: "web.Slug | str",
    *,
    hosts: Sequence[str] = (),
    base_url: str | None = None,
    override: bool = False,
) -> HttpxDependency:
    """Declare an `httpx2.AsyncClient` for the request's user: `Depends(vendo_httpx("gmail"))`.

    For endpoints with `async def`. Where httpx is installed and httpx2 is not, it is an
    `httpx.AsyncClient`. It opens no connection of its own, needs no closing, and works after the
    request too. Both modes.

    Args:
        slug: the provider.
        hosts: further hosts that may get the token, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may get the token.
        override: True to replace a credential that a request comes with, as from an SDK.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return HttpxDependency(*web.checked_session(slug, hosts, base_url, override))


@to_be_called
def vendo_client() -> ClientDependency:
    """Declare the client for asyncio, `request.state.vendo`: `Depends(vendo_client())`. Both
    modes.
    """
    return ClientDependency()


@to_be_called
def vendo_sync_client() -> SyncClientDependency:
    """Declare the blocking client, `request.state.vendo_sync`: `Depends(vendo_sync_client())`. Both
    modes.
    """
    return SyncClientDependency()


@to_be_called
def vendo_identity(required: bool = True) -> IdentityDependency:
    """Declare the signed-in user, a `VendoIdentity`: `Depends(vendo_identity())`. Both modes.

    Without the platform's proxy (`VENDO_AUTH=1`) no user is signed in, whatever the headers are.

    Args:
        required: what happens where no user is signed in. True: the response is 401, and a
            WebSocket is closed. False: the endpoint gets None.
    """
    return IdentityDependency(required)


@to_be_called
def vendo_webhook() -> WebhookDependency:
    """Declare the verified `WebhookEvent` of a request: `Depends(vendo_webhook())`. Both modes.

    It reads the body. Without a good signature the response is 400, for a body over 1 MiB 413. A
    webhook may come more than once: it has no replay protection, which `vendo_routes` has.
    """
    return WebhookDependency()
