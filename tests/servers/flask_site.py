"""The Flask site: who is signed in, a page that needs a provider, and the ready-made views."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from flask import Flask

from servers.handling import handle
from vendo_flask import FlaskVendo, blueprint, current_vendo, vendo_identity
from vendo_flask.signals import webhook_received

if TYPE_CHECKING:
    from flask import Request

app = Flask("site")
app.config["VENDO_REDIS_URL"] = os.environ.get("SITE_REDIS_URL")
FlaskVendo(app, errors=True)


def anyone(request: Request, slug: str) -> bool:
    return True


@app.get("/who/")
def who() -> str:
    return vendo_identity.user_id if vendo_identity else "nobody"


@app.get("/page/")
def page() -> str:
    return current_vendo.token("slack")


def receive(sender: object, event: Any) -> None:
    handle(event)


app.register_blueprint(blueprint(may_connect=anyone))
webhook_received.connect(receive, app)
