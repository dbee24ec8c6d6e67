"""The application."""

from pathlib import Path

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from mailapp.api import api
from mailapp.live import live, receive
from vendo_starlette import VendoMiddleware, install, vendo_routes


def create_app() -> FastAPI:
    """Create the application. `VENDO_API_KEY` and the other variables configure Vendo."""
    # Users who are signed in may connect accounts, except viewers. `may_connect=` changes that.
    app = FastAPI(title="Mailbox", routes=vendo_routes(receive), docs_url=None, redoc_url=None)
    app.add_middleware(VendoMiddleware)
    install(app)  # the API's response without a connection has the link to connect it
    app.include_router(api)
    app.include_router(live)
    # The pages are the same for every user; the API provides their content.
    app.mount("/", StaticFiles(directory=Path(__file__).with_name("static"), html=True))
    return app
