"""What the functions of `dependencies` return: FastAPI calls it, and it gets the request.

Equal arguments give an equal dependency, so FastAPI resolves each once in a request.
"""

# No `from __future__ import annotations` here: FastAPI reads the annotations of parameters, and
# cannot read them as strings. Those of return values are strings, so that nothing is imported.

from abc import ABC, abstractmethod
from collections.abc import Callable
from inspect import isasyncgenfunction, iscoroutinefunction, isgeneratorfunction, signature
from typing import Any, Final, Generic, TypeVar
from weakref import finalize

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

import vendo
from vendo import web
from vendo.web import optional
from vendo_starlette.clients import aclient, add_vary, client, request_clients
from vendo_starlette.concurrency import call
from vendo_starlette.identity import identity_of, require_identity

#: Stands for no default.
REQUIRED: Final = object()

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
        kept: dict[str, Any] = {} if default is REQUIRED else {"default": default}
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
