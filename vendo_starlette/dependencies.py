"""Dependencies for FastAPI, as values: equal arguments, equal dependency.

So FastAPI resolves each once a request, and `app.dependency_overrides` finds it:

    app.dependency_overrides[vendo_token("openai")] = lambda: "sk-test"

Each is given the request or the WebSocket, and leaves the OpenAPI document as it was.
"""

# FastAPI reads the annotations of the calls below, and cannot read them as texts: so there is no
# `from __future__ import annotations` here. Those of what is returned it does not read.

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import finalize

from starlette.exceptions import WebSocketException
from starlette.requests import HTTPConnection, Request

from vendo import AsyncVendo, IdentityNotPresent, Vendo, VendoIdentity, WebhookEvent, sso
from vendo.web import checked_session, checked_slug
from vendo_starlette import _optional
from vendo_starlette.clients import aclient, client, request_clients
from vendo_starlette.refusals import NotSignedIn
from vendo_starlette.webhooks import verified_event


@dataclass(frozen=True, slots=True)
class TokenDependency:
    """See `vendo_token`."""

    slug: str

    async def __call__(self, connection: HTTPConnection) -> str:
        """The token."""
        return await aclient(connection).token(self.slug)


@dataclass(frozen=True, slots=True)
class SessionDependency:
    """See `vendo_session`."""

    slug: str
    hosts: tuple[str, ...]
    base_url: str | None

    async def __call__(self, connection: HTTPConnection) -> "_optional.requests.Session":
        """The session."""
        return client(connection).session(self.slug, hosts=self.hosts, base_url=self.base_url)


@dataclass(frozen=True, slots=True)
class AsyncSessionDependency:
    """See `vendo_async_session`."""

    slug: str
    hosts: tuple[str, ...]
    base_url: str | None

    async def __call__(self, connection: HTTPConnection) -> "_optional.aiohttp.ClientSession":
        """The session."""
        session = await aclient(connection).session(
            self.slug, hosts=self.hosts, base_url=self.base_url
        )
        # Not a dependency with `yield`: before 0.118 FastAPI ends those before a stream begins. The
        # request is held by what answers it, to the end of streams and background tasks.
        finalize(connection, session.detach)
        return session


@dataclass(frozen=True, slots=True)
class HttpxDependency:
    """See `vendo_httpx`."""

    slug: str
    hosts: tuple[str, ...]
    base_url: str | None

    async def __call__(self, connection: HTTPConnection) -> "_optional.httpx2.AsyncClient":
        """The client of httpx2 or httpx."""
        from vendo_starlette.httpx_clients import make_httpx

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
        """The client."""
        return aclient(connection)


@dataclass(frozen=True, slots=True)
class SyncClientDependency:
    """See `vendo_sync_client`."""

    async def __call__(self, connection: HTTPConnection) -> Vendo:
        """The client."""
        return client(connection)


@dataclass(frozen=True, slots=True)
class IdentityDependency:
    """See `vendo_identity`."""

    required: bool

    async def __call__(self, connection: HTTPConnection) -> VendoIdentity | None:
        """The person."""
        headers = connection.scope["headers"]
        identity = sso.identity_from_headers(headers)
        if identity is None and self.required:
            if connection.scope["type"] == "websocket":
                raise WebSocketException(1008, "identity_not_present")
            try:
                sso.identity_response(headers)
            except IdentityNotPresent as error:
                refused = NotSignedIn(error)
            raise refused
        return identity


@dataclass(frozen=True, slots=True)
class WebhookDependency:
    """See `vendo_webhook`."""

    async def __call__(self, request: Request) -> WebhookEvent:
        """The event."""
        return await verified_event(request)


def vendo_token(slug: str) -> TokenDependency:
    """`Depends(vendo_token("openai"))`: the credential of a provider, a `str`. Both modes.

    A request whose token is not to be had ends with the error of `vendo.token`.

    Args:
        slug: the provider.

    Raises:
        ValidationError: the slug is malformed.
    """
    return TokenDependency(checked_slug(slug))


def vendo_session(
    slug: str, *, hosts: Sequence[str] = (), base_url: str | None = None
) -> SessionDependency:
    """`Depends(vendo_session("gmail"))`: a `requests.Session` for the request's person. Both modes.

    For endpoints that are written with `def`. On the thread of an event loop it warns once. It
    opens no connection of its own, needs no closing, and stays good when the request is over.

    Args:
        slug: the provider.
        hosts: further hosts that the token may be sent to, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may be sent the token.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return SessionDependency(*checked_session(slug, hosts, base_url))


def vendo_async_session(
    slug: str, *, hosts: Sequence[str] = (), base_url: str | None = None
) -> AsyncSessionDependency:
    """`Depends(vendo_async_session("gmail"))`: an `aiohttp.ClientSession` for the request's person.

    For endpoints that are written with `async def`. It opens no connection of its own, and is
    closed when the request is over, its stream and its background tasks included. What goes on
    after that takes `vendo_client()`, and a session out of it. Both modes.

    Args:
        slug: the provider.
        hosts: further hosts that the token may be sent to, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may be sent the token.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return AsyncSessionDependency(*checked_session(slug, hosts, base_url))


def vendo_httpx(
    slug: str, *, hosts: Sequence[str] = (), base_url: str | None = None
) -> HttpxDependency:
    """`Depends(vendo_httpx("gmail"))`: an `httpx2.AsyncClient` for the request's person.

    For endpoints that are written with `async def`. Where httpx is installed and httpx2 is not, it
    is an `httpx.AsyncClient`. It opens no connection of its own, needs no closing, and stays good
    when the request is over. Both modes.

    Args:
        slug: the provider.
        hosts: further hosts that the token may be sent to, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may be sent the token.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.
    """
    return HttpxDependency(*checked_session(slug, hosts, base_url))


def vendo_client() -> ClientDependency:
    """`Depends(vendo_client())`: the client for asyncio, as `request.state.vendo`. Both modes."""
    return ClientDependency()


def vendo_sync_client() -> SyncClientDependency:
    """`Depends(vendo_sync_client())`: the blocking client, as `request.state.vendo_sync`. Both
    modes.
    """
    return SyncClientDependency()


def vendo_identity(required: bool = True) -> IdentityDependency:
    """`Depends(vendo_identity())`: the person who is signed in, a `VendoIdentity`. Both modes.

    Args:
        required: True answers 401 where nobody is, and refuses a WebSocket; False gives None.

    Nobody is where the platform's proxy is not in front (`VENDO_AUTH=1`), whatever the headers say.
    """
    return IdentityDependency(required)


def vendo_webhook() -> WebhookDependency:
    """`Depends(vendo_webhook())`: the `WebhookEvent` of a webhook that is genuine. Both modes.

    The others are answered 400, and a body over 1 MiB 413. The body is read by it. A webhook may
    come more than once: the view of `vendo_routes` drops an `id` that it has seen.
    """
    return WebhookDependency()
