"""asgi-lifespan starts an application in a test, again and again, each time on a new event loop."""

from __future__ import annotations

import asyncio
import gc
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from asgi_lifespan import LifespanManager
from fastapi import FastAPI, Request

from vendo import NotConnected
from vendo_starlette import VendoMiddleware, VendoSettings, install

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.companions


@pytest.fixture(autouse=True)
def _variables(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)


def application(*required: str) -> FastAPI:
    app = FastAPI()
    app.add_middleware(VendoMiddleware)
    install(app, VendoSettings(required=required))

    @app.get("/mail")
    async def mail(request: Request) -> Any:
        async with (
            await request.state.vendo.session("gmail") as gmail,
            gmail.get("gmail/v1/users/me/profile") as response,
        ):
            profile = await response.json()
        blocking = request.state.vendo_sync.session("gmail")
        again = await asyncio.to_thread(blocking.get, "gmail/v1/users/me/profile")
        return [profile, again.json()]

    @app.get("/token/{slug}")
    async def token(request: Request, slug: str) -> str:
        found: str = await request.state.vendo.token(slug)
        return found

    return app


def living(app: FastAPI) -> LifespanManager:
    return LifespanManager(app, startup_timeout=60, shutdown_timeout=60)


async def started(app: FastAPI, *paths: str) -> list[httpx.Response]:
    """Start an application, get some pages at the same time, and stop it."""
    async with living(app) as manager:
        transport = httpx.ASGITransport(manager.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as browser:
            return await asyncio.gather(*map(browser.get, paths))


def test_an_application_starts_twice_on_two_event_loops(server: LocalVendo) -> None:
    app = application("gmail")
    for _ in range(2):
        mail, again = asyncio.run(started(app, "/mail", "/mail"))
        assert mail.json() == again.json()
        (token,) = asyncio.run(started(app, "/token/gmail"))
        assert token.json() == server.token("gmail")
        server.expire("gmail")  # the session of the next start renews it
        gc.collect()  # what is not closed would warn


def test_two_applications_live_one_inside_of_the_other(server: LocalVendo) -> None:
    outer, inner = application(), application()

    async def nested() -> None:
        async with living(outer) as manager:
            transport = httpx.ASGITransport(manager.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://site") as browser:
                before = await browser.get("/mail")
                (response,) = await started(inner, "/mail")
                assert response.json() == before.json()
                # The end of the inner one closes nothing of the outer one.
                opened = server.connections_opened
                assert (await browser.get("/mail")).json() == before.json()
                assert server.connections_opened == opened

    asyncio.run(nested())
    gc.collect()


def test_errors_get_responses_and_a_start_without_a_credential_fails(server: LocalVendo) -> None:
    for _ in range(2):
        missing, down = asyncio.run(started(application(), "/token/slack", "/token/openai"))
        assert (missing.status_code, down.status_code) == (424, 502)
        with pytest.raises(NotConnected, match="slack"):
            asyncio.run(started(application("slack")))
    gc.collect()
