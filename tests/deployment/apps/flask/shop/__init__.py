"""The application. The tests add what the page says."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask

from vendo_flask import FlaskVendo, blueprint, current_vendo, webhook_received

if TYPE_CHECKING:
    from flask import Request, Response

app = Flask(__name__)
FlaskVendo(app, errors=True)


def may_connect(request: Request, slug: str) -> bool:
    return True


app.register_blueprint(blueprint(may_connect=may_connect))


@app.after_request
def name_worker(response: Response) -> Response:
    response.headers["X-Worker"] = str(os.getpid())
    return response


@app.get("/live/")
def live() -> str:
    return "ok"


@app.get("/healthz/")
def healthz() -> tuple[dict[str, bool], int]:
    health = app.extensions["vendo"].check(["gmail"])
    return {"ok": health.ok}, 200 if health.ok else 503


@app.get("/page/<slug>/")
def page(slug: str) -> str:
    return current_vendo.token(slug)


@app.get("/mail/")
def mail() -> tuple[str, int]:
    profile = current_vendo.session("gmail").get("gmail/v1/users/me/profile")
    return profile.json()["emailAddress"], profile.status_code


@webhook_received.connect_via(app)
def receive(sender: object, event: Any) -> None:
    with Path(os.environ["SHOP_EVENTS"]).open("a") as file:
        file.write(f"{event.id}\n")
