"""FastAPI sites with SQLModel and Starlette's sessions, which come before or after Vendo."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import requests
from fastapi import Depends, FastAPI, Request
from sqlmodel import Field, Session, SQLModel, create_engine, select
from starlette.middleware.sessions import SessionMiddleware

import vendo
from servers.handling import handle
from vendo_starlette import VendoMiddleware, install, vendo_routes, vendo_session, vendo_token


class Mail(SQLModel, table=True):  # type: ignore[call-arg]  # SQLModel is Any here
    id: int | None = Field(default=None, primary_key=True)
    address: str


engine = create_engine(str(vendo.token("app-database")))
SQLModel.metadata.drop_all(engine)
SQLModel.metadata.create_all(engine)


def database() -> Iterator[Session]:
    with Session(engine) as session:
        yield session
        session.commit()


Database = Annotated[Session, Depends(database)]
Gmail = Annotated[requests.Session, Depends(vendo_session("gmail"))]


def mail(database: Database, gmail: Gmail) -> Mail:
    """Store the mailbox of the user."""
    profile = gmail.get("gmail/v1/users/me/profile").json()
    mail = Mail(address=profile["emailAddress"])
    database.add(mail)
    database.flush()
    return mail


def mails(database: Database) -> list[str]:
    return list(database.exec(select(Mail.address)))


def failing(slug: str, request: Request, database: Database) -> None:
    """Store something, and fail before it is committed."""
    database.add(Mail(address=slug))
    database.flush()
    request.state.vendo_sync.token(slug)


async def token(token: Annotated[str, Depends(vendo_token("gmail"))]) -> str:
    return token


async def log_in(request: Request, name: str) -> str:
    request.session["user"] = name
    return name


def may_connect(request: Any, slug: str) -> bool:
    return "user" in request.session


def receive(event: vendo.WebhookEvent, request: Any) -> None:
    handle(event)


class Guard:
    """A middleware that needs a credential for some pages."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") == "/guarded":
            await scope["state"]["vendo"].token("slack")
        await self.app(scope, receive, send)


def site(*middlewares: tuple[Any, dict[str, Any]]) -> FastAPI:
    """Make a site with middlewares, the innermost first."""
    app = FastAPI(routes=vendo_routes(receive, may_connect=may_connect))
    for path, endpoint in (
        ("/mail", mail),
        ("/mails", mails),
        ("/failing/{slug}", failing),
        ("/token", token),
        ("/log-in", log_in),
    ):
        app.add_api_route(path, endpoint)
    app.add_middleware(Guard)
    for middleware, options in middlewares:
        app.add_middleware(middleware, **options)
    install(app)
    return app


_sessions = (SessionMiddleware, {"secret_key": "not-a-secret-" * 4})
_vendo: tuple[Any, dict[str, Any]] = (VendoMiddleware, {})
vendo_outside = site(_sessions, _vendo)
vendo_inside = site(_vendo, _sessions)
