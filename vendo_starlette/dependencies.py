"""Dependencies for FastAPI, as values: equal arguments give an equal dependency.

So FastAPI resolves each once in a request, and `app.dependency_overrides` finds it:

    app.dependency_overrides[vendo_token("openai")] = lambda: "sk-test"

One of `vendo_client()` or `vendo_sync_client()` counts for all that are made of that client.
Each gets the request or the WebSocket, and leaves the OpenAPI document as it was.
"""

# No `from __future__ import annotations` here: FastAPI reads the annotations of parameters, and
# cannot read them as strings.

from collections.abc import Sequence
from typing import Any, TypeVar, overload

from vendo import web
from vendo_starlette.dependency_types import (
    REQUIRED,
    AsyncSessionDependency,
    ClientDependency,
    HttpxDependency,
    IdentityDependency,
    SessionDependency,
    SyncClientDependency,
    TokenDependency,
    WebhookDependency,
)
from vendo_starlette.uncalled import to_be_called

TYPE_CHECKING = False

_T = TypeVar("_T")


if TYPE_CHECKING:

    @overload
    def vendo_token(slug: "web.Slug | str") -> TokenDependency[str]: ...
    @overload
    def vendo_token(slug: "web.Slug | str", *, default: _T) -> TokenDependency[str | _T]: ...


@to_be_called
def vendo_token(
    slug: "web.Slug | str", *, default: Any = REQUIRED
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
