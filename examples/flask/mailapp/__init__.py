"""The application."""

from __future__ import annotations

from flask import Flask

from mailapp.notices import keep_notices
from mailapp.pages import pages
from vendo_flask import FlaskVendo, blueprint

# A page that needs Gmail sends the user to connect it, and the user comes back to that page.
vendo = FlaskVendo(errors=True)


def create_app() -> Flask:
    """Create the application. `VENDO_API_KEY` and the other variables configure Vendo."""
    app = Flask(__name__)
    vendo.init_app(app)
    app.register_blueprint(blueprint())
    app.register_blueprint(pages)
    keep_notices(app)
    return app
