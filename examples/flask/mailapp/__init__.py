"""The application."""

from __future__ import annotations

from flask import Flask, Request

from mailapp.notices import keep_notices
from mailapp.pages import pages
from vendo_flask import FlaskVendo, blueprint, vendo_identity

# A page that needs Gmail says so, with a button to connect it. The user comes back to the page.
vendo = FlaskVendo(errors=True)


def may_connect(request: Request, slug: str) -> bool:
    """Let users connect accounts who are signed in, except viewers."""
    return bool(vendo_identity) and vendo_identity.role != "viewer"


def create_app() -> Flask:
    """Create the application. `VENDO_API_KEY` and the other variables configure Vendo."""
    app = Flask(__name__)
    vendo.init_app(app)
    # Who may connect an account: users who are signed in, except viewers.
    app.register_blueprint(blueprint(may_connect=may_connect))
    app.register_blueprint(pages)
    keep_notices(app)
    return app
