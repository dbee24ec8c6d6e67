"""Extra `flask`: the extension, its views and its commands."""

from __future__ import annotations

import flask

from vendo_flask import FlaskVendo, blueprint, current_vendo

app = flask.Flask("probe")
FlaskVendo(app)
app.register_blueprint(blueprint())


@app.get("/")
def home() -> str:
    return flask.render_template_string("{{ vendo_connected('openai') }}") + current_vendo.token(
        "openai"
    )


assert app.test_client().get("/").text == "Truesk-probe"
assert "OPENAI_API_KEY" in app.test_cli_runner().invoke(args=["vendo", "catalog", "openai"]).output
