"""A Flask site with Flask-Login, Flask-WTF's CSRF protection and Flask-Limiter."""

from __future__ import annotations

from typing import Any

from flask import Flask, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_login import LoginManager, UserMixin, current_user, login_required, login_user
from flask_wtf import CSRFProtect
from flask_wtf.csrf import generate_csrf

from servers.handling import handle
from vendo_flask import FlaskVendo, blueprint, current_vendo
from vendo_flask.signals import webhook_received
from vendo_flask.views import webhook

app = Flask("site")
app.secret_key = "not-a-secret-" * 4
csrf = CSRFProtect(app)
logins = LoginManager(app)
limiter = Limiter(get_remote_address, app=app, default_limits=["8 per hour"])
FlaskVendo(app, errors=True)


class User(UserMixin):
    def __init__(self, name: str) -> None:
        self.id = name


logins.user_loader(User)


def receive(sender: object, event: Any) -> None:
    handle(event)


webhook_received.connect(receive, app)
views = blueprint(may_connect=lambda request, slug: current_user.is_authenticated)
app.register_blueprint(views)
limiter.limit("5 per hour", methods=["GET"])(views)
limiter.exempt(webhook)
csrf.exempt("vendo_flask.views.webhook")


@app.post("/login")
def login() -> str:
    login_user(User(request.form["name"]))
    return request.form["name"]


@app.get("/form")
def form() -> str:
    return str(generate_csrf())


@app.get("/token/<slug>")
@login_required
def token(slug: str) -> str:
    return current_vendo.token(slug)


@app.get("/open/<slug>")
@limiter.exempt
def open_token(slug: str) -> str:
    return current_vendo.token(slug)
