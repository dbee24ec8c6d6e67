"""The application."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI

from mailapp.api import api
from mailapp.live import Live
from mailapp.pages import pages
from vendo_starlette import VendoMiddleware, aclient, install, vendo_routes

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from fastapi import Request

    from vendo import WebhookEvent


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Follow the platform's events while the application runs."""
    async with aclient(app).events.subscribe() as events:
        following = asyncio.create_task(app.state.live.follow(events))
        try:
            yield
        finally:
            following.cancel()


async def receive(event: WebhookEvent, request: Request) -> None:
    """Keep a webhook for the home page. It is verified already, and each event arrives once."""
    request.app.state.live.keep(event)


def may_connect(request: Request, slug: str) -> bool:
    """Let users connect accounts who are signed in, except viewers."""
    user = request.state.vendo_identity
    return user is not None and user.role != "viewer"


def create_app() -> FastAPI:
    """Create the application. `VENDO_API_KEY` and the other variables configure Vendo."""
    # FastAPI's documentation pages load scripts from another site.
    app = FastAPI(
        title="Mailbox",
        lifespan=lifespan,
        routes=vendo_routes(receive, may_connect=may_connect),
        docs_url=None,
        redoc_url=None,
    )
    app.state.live = Live()
    app.add_middleware(VendoMiddleware)
    install(app)
    app.include_router(api)
    app.include_router(pages)
    return app
