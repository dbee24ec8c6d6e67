"""Dependencies for FastAPI, as values: equal arguments give an equal dependency.

So FastAPI resolves each once in a request, and `app.dependency_overrides` finds it:

    app.dependency_overrides[vendo_token("openai")] = lambda: "sk-test"

Each gets the request or the WebSocket, and leaves the OpenAPI document as it was.
"""

# No `from __future__ import annotations` here: FastAPI reads the annotations of parameters, and
# cannot read them as strings.

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import finalize

from starlette.requests import HTTPConnection, Request

from vendo import AsyncVendo, Vendo, VendoIdentity, WebhookEvent
from vendo.web import checked_session, checked_slug, optional
from vendo_starlette.clients import aclient, client, request_clients
from vendo_starlette.httpx_clients import make_httpx
from vendo_starlette.identity import identity_of, require_identity
from vendo_starlette.webhooks import verified_event


@dataclass(frozen=True, slots=True)
class TokenDependency:
    """See `vendo_token`."""

    slug: str

    async def __call__(self, connection: HTTPConnection) -> str:
        """Return the token."""
        return await aclient(connection).token(self.slug)


@dataclass(frozen=True, slots=True)
class SessionDependency:
    """See `vendo_session`."""

    slug: str
    hosts: tuple[str, ...]
    base_url: str | None

    async def __call__(self, connection: HTTPConnection) -> "optional.requests.Session":
        """Return the session."""
        return client(connection).session(self.slug, hosts=self.hosts, base_url=self.base_url)


@dataclass(frozen=True, slots=True)
class AsyncSessionDependency:
    """See `vendo_async_session`."""

    slug: str
    hosts: tuple[str, ...]
    base_url: str | None

    async def __call__(self, connection: HTTPConnection) -> "optional.aiohttp.ClientSession":
        """Return the session."""
        session = await aclient(connection).session(
            self.slug, hosts=self.hosts, base_url=self.base_url
        )
        # Not a dependency with `yield`: before 0.118 FastAPI ends those before a stream begins. The
        # response holds the request to the end of streams and background tasks.
        finalize(connection, session.detach)
        return session


@dataclass(frozen=True, slots=True)
class HttpxDependency:
    """See `vendo_httpx`."""

    slug: str
    hosts: tuple[str, ...]
    base_url: str | None

    async def __call__(self, connection: HTTPConnection) -> "optional.httpx2.AsyncClient":
        """Return the client of httpx2 or httpx."""
        return make_httpx(
            aclient(connection),
            request_clients(connection.scope).clients.pools,
            self.slug,
            hosts=self.hosts,
            base_url=self.base_url,
        )


@dataclass(frozen=True, slots=True)
class ClientDependency:
    """See `vendo_client`."""

    async def __call__(self, connection: HTTPConnection) -> AsyncVendo:
        """Return the client."""
        return aclient(connection)


@dataclass(frozen=True, slots=True)
class SyncClientDependency:
    """See `vendo_sync_client`."""

    async def __call__(self, connection: HTTPConnection) -> Vendo:
        """Return the client."""
        return client(connection)


@dataclass(frozen=True, slots=True)
class IdentityDependency:
    """See `vendo_identity`."""

    required: bool

    async def __call__(self, connection: HTTPConnection) -> VendoIdentity | None:
        """Return the user."""
        if self.required:
            require_identity(connection)
        return identity_of(connection)


@dataclass(frozen=True, slots=True)
class WebhookDependency:
    """See `vendo_webhook`."""

    async def __call__(self, request: Request) -> WebhookEvent:
        """Return the event."""
        return await verified_event(request)


def vendo_token(slug: str) -> TokenDependency:
    """Declare a provider's credential, a `str`: `Depends(vendo_token("openai"))`. Both modes.

    Without a credential the request ends with the error of `vendo.token`.

    Args:
        slug: the provider.

    Raises:
        ValidationError: the slug is malformed.
    """
    return TokenDependency(checked_slug(slug))


def vendo_session(
    slug: str, *, hosts: Sequence[str] = (), base_url: str | None = None
) -> SessionDependency:
    """Declare a `requests.Session` for the request's user: `Depends(vendo_session("gmail"))`.

    For endpoints with `def`. In the thread of an event loop it warns once. It opens no connection
    of its own, needs no closing, and works after the request too. Both modes.

    Args:
        slug: the provider.
        hosts: further hosts that may get the token, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may get the token.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return SessionDependency(*checked_session(slug, hosts, base_url))


def vendo_async_session(
    slug: str, *, hosts: Sequence[str] = (), base_url: str | None = None
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

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return AsyncSessionDependency(*checked_session(slug, hosts, base_url))


def vendo_httpx(
    slug: str, *, hosts: Sequence[str] = (), base_url: str | None = None
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

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return HttpxDependency(*checked_session(slug, hosts, base_url))


def vendo_client() -> ClientDependency:
    """Declare the client for asyncio, `request.state.vendo`: `Depends(vendo_client())`. Both
    modes.
    """
    return ClientDependency()


def vendo_sync_client() -> SyncClientDependency:
    """Declare the blocking client, `request.state.vendo_sync`: `Depends(vendo_sync_client())`. Both
    modes.
    """
    return SyncClientDependency()


def vendo_identity(required: bool = True) -> IdentityDependency:
    """Declare the signed-in user, a `VendoIdentity`: `Depends(vendo_identity())`. Both modes.

    Without the platform's proxy (`VENDO_AUTH=1`) no user is signed in, whatever the headers are.

    Args:
        required: what happens where no user is signed in. True: the response is 401, and a
            WebSocket is closed. False: the endpoint gets None.
    """
    return IdentityDependency(required)


def vendo_webhook() -> WebhookDependency:
    """Declare the verified `WebhookEvent` of a request: `Depends(vendo_webhook())`. Both modes.

    It reads the body. Without a good signature the response is 400, for a body over 1 MiB 413. A
    webhook may come more than once: it has no replay protection, which `vendo_routes` has.
    """
    return WebhookDependency()
