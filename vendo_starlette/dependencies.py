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
    """Declare a provider's credential, a `str`. Both modes.

    Without a credential the request ends with the error of `vendo.token`.

    Args:
        slug: the provider.
        default: what the endpoint gets where there is no credential, such as None.

    Returns:
        A dependency, for `Depends`.

    Raises:
        ValidationError: the slug is malformed.

    Example:
        ```python
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo_starlette import vendo_token

        app = FastAPI()

        @app.get("/")
        async def length(token: str = Depends(vendo_token("openai"))):
            return len(token)

        print(TestClient(app).get("/").json())
        ```
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
    """Declare a `requests.Session` for the request's user. Both modes.

    For endpoints with `def`. In the thread of an event loop it warns once. It opens no connection
    of its own, needs no closing, and works after the request too.

    Args:
        slug: the provider.
        hosts: further hosts that may get the token, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may get the token.
        override: True to replace a credential that a request comes with, as from an SDK.

    Returns:
        A dependency, for `Depends`.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.

    Example:
        ```python
        import requests
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo_starlette import vendo_session

        app = FastAPI()

        @app.get("/mail")
        def mail(gmail: requests.Session = Depends(vendo_session("gmail"))):
            return gmail.get("/gmail/v1/users/me/profile").json()

        print(TestClient(app).get("/mail").json()["emailAddress"])
        ```
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
    """Declare an `aiohttp.ClientSession` for the request's user. Both modes.

    For endpoints with `async def`. It opens no connection of its own, and is closed after the
    request, its stream and its background tasks. Code that goes on after that gets a session from
    `vendo_client()`.

    Args:
        slug: the provider.
        hosts: further hosts that may get the token, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may get the token.
        override: True to replace a credential that a request comes with, as from an SDK.

    Returns:
        A dependency, for `Depends`.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.

    Example:
        ```python
        import aiohttp
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo_starlette import VendoMiddleware, vendo_async_session

        app = FastAPI()
        app.add_middleware(VendoMiddleware)

        @app.get("/mail")
        async def mail(gmail: aiohttp.ClientSession = Depends(vendo_async_session("gmail"))):
            async with gmail.get("gmail/v1/users/me/profile") as response:
                return await response.json()

        with TestClient(app) as browser:
            print(browser.get("/mail").json()["emailAddress"])
        ```
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
    """Declare an `httpx2.AsyncClient` for the request's user. Both modes.

    For endpoints with `async def`. Where httpx is installed and httpx2 is not, it is an
    `httpx.AsyncClient`. It opens no connection of its own, needs no closing, and works after the
    request too.

    Args:
        slug: the provider.
        hosts: further hosts that may get the token, such as `"api.example.com"`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host may get the token.
        override: True to replace a credential that a request comes with, as from an SDK.

    Returns:
        A dependency, for `Depends`.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed.

    Example:
        ```python
        import httpx2
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo_starlette import VendoMiddleware, vendo_httpx

        app = FastAPI()
        app.add_middleware(VendoMiddleware)

        @app.get("/mail")
        async def mail(gmail: httpx2.AsyncClient = Depends(vendo_httpx("gmail"))):
            return (await gmail.get("gmail/v1/users/me/profile")).json()

        with TestClient(app) as browser:
            print(browser.get("/mail").json()["emailAddress"])
        ```
    """
    return HttpxDependency(*web.checked_session(slug, hosts, base_url, override))


@to_be_called
def vendo_client() -> ClientDependency:
    """Declare the client for asyncio, the same as `request.state.vendo`. Both modes.

    Returns:
        A dependency, for `Depends`.

    Example:
        ```python
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo import AsyncVendo
        from vendo_starlette import VendoMiddleware, vendo_client

        app = FastAPI()
        app.add_middleware(VendoMiddleware)

        @app.get("/")
        async def slugs(client: AsyncVendo = Depends(vendo_client())):
            return sorted(await client.connections.connected_slugs())

        with TestClient(app) as browser:
            print(browser.get("/").json())
        ```
    """
    return ClientDependency()


@to_be_called
def vendo_sync_client() -> SyncClientDependency:
    """Declare the blocking client, the same as `request.state.vendo_sync`. Both modes.

    Returns:
        A dependency, for `Depends`.

    Example:
        ```python
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo import Vendo
        from vendo_starlette import vendo_sync_client

        app = FastAPI()

        @app.get("/")
        def slugs(client: Vendo = Depends(vendo_sync_client())):
            return sorted(client.connections.connected_slugs())

        print(TestClient(app).get("/").json())
        ```
    """
    return SyncClientDependency()


@to_be_called
def vendo_identity(required: bool = True) -> IdentityDependency:
    """Declare the signed-in user, a `VendoIdentity`. Both modes.

    Without the platform's proxy (`VENDO_AUTH=1`) no user is signed in, whatever the headers are.

    Args:
        required: what happens where no user is signed in. True: the response is 401, and a
            WebSocket is closed. False: the endpoint gets None.

    Returns:
        A dependency, for `Depends`.

    Example:
        ```python
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo import VendoIdentity
        from vendo_starlette import install, vendo_identity

        app = FastAPI()
        install(app)

        @app.get("/")
        async def account(user: VendoIdentity = Depends(vendo_identity())):
            return user.name

        print(TestClient(app).get("/").status_code)  # 401
        ```
    """
    return IdentityDependency(required)


@to_be_called
def vendo_webhook() -> WebhookDependency:
    """Declare the verified `WebhookEvent` of a request. Both modes.

    It reads the body. Without a good signature the response is 400, for a body over 1 MiB 413. A
    webhook may come more than once: it has no replay protection, which `vendo_routes` has.

    Returns:
        A dependency, for `Depends`.

    Example:
        ```python
        from fastapi import Depends, FastAPI
        from fastapi.testclient import TestClient

        from vendo import WebhookEvent
        from vendo.testing import LocalVendo
        from vendo_starlette import VendoSettings, install, vendo_webhook

        server, app = LocalVendo(), FastAPI()
        install(app, VendoSettings(webhook_secrets=server.webhook_secret))

        @app.post("/hook")
        async def hook(event: WebhookEvent = Depends(vendo_webhook())):
            return event.type

        headers, body = server.sign_webhook({"type": "connection.changed"})
        print(TestClient(app).post("/hook", headers=headers, content=body).json())
        ```
    """
    return WebhookDependency()
