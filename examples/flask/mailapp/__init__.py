"""The application."""

from flask import Flask

from mailapp.pages import pages
from vendo_flask import FlaskVendo, blueprint

# A page that needs Gmail says so, with a button to connect it. The user comes back to the page.
vendo = FlaskVendo(errors=True)


def create_app() -> Flask:
    """Create the application. `VENDO_API_KEY` and the other variables configure Vendo."""
    app = Flask(__name__)
    vendo.init_app(app)
    # Users who are signed in may connect accounts, except viewers. `may_connect=` changes that.
    app.register_blueprint(blueprint())
    app.register_blueprint(pages)
    return app
