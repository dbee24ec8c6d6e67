"""The application."""

from __future__ import annotations

from flask import Flask

from mailapp.notices import keep_notices
from mailapp.pages import pages
from vendo_flask import FlaskVendo, blueprint, vendo_identity

# A page that needs Gmail says so, with a button to connect it. The user comes back to the page.
vendo = FlaskVendo(errors=True)


def create_app() -> Flask:
    """Create the application. `VENDO_API_KEY` and the other variables configure Vendo."""
    app = Flask(__name__)
    vendo.init_app(app)
    # Who may connect an account: users who are signed in.
    app.register_blueprint(blueprint(may_connect=lambda request, slug: bool(vendo_identity)))
    app.register_blueprint(pages)
    keep_notices(app)
    return app
