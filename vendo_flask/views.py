"""The views of `blueprint()`: connect a provider, come back, webhooks, and the identity."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, Response, jsonify, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import RequestEntityTooLarge

from vendo import ValidationError, VendoError, sso
from vendo.web import CONNECT_COOKIE, finish_connect, handle_once, start_connect
from vendo_flask.clients import app_client, current_client
from vendo_flask.connect import BLUEPRINT
from vendo_flask.context import this_app
from vendo_flask.errors import handle_view_error, redirect
from vendo_flask.signals import webhook_received
from vendo_flask.webhooks import replay_cache, verified_event, webhook_body

_Parameters = ParamSpec("_Parameters")


def blueprint() -> Blueprint:
    """Return the views, for `app.register_blueprint(blueprint())`.

    They are below `/api/vendo`, where the platform's pages look for `identity`. Give another
    `url_prefix=` when you register the blueprint.
    """
    views = Blueprint("vendo", __name__, url_prefix="/api/vendo")
    views.add_url_rule("/connect/done/", view_func=connected)
    views.add_url_rule("/connect/<slug>/", view_func=connect)
    views.add_url_rule(
        "/webhook/", view_func=webhook, methods=["POST"], provide_automatic_options=False
    )
    views.add_url_rule("/identity", view_func=identity)
    views.record(_keep_name)
    return views


def _keep_name(state: BlueprintSetupState) -> None:
    # It can be registered under another name, and inside of another blueprint.
    name = f"{state.name_prefix}.{state.name}".lstrip(".")
    state.app.extensions[BLUEPRINT] = name


def _handles_errors(view: Callable[_Parameters, Response]) -> Callable[_Parameters, Response]:
    """Have a view respond to vendo's errors, with or without `errors=True`. No cache keeps its
    responses.
    """

    @wraps(view)
    def handling(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Response:
        try:
            response = view(*args, **kwargs)
        except VendoError as error:
            response = handle_view_error(error)
        response.headers["Cache-Control"] = "no-store, private"
        return response

    return handling


@_handles_errors
def connect(slug: str) -> Response:
    """Redirect to the page on which a user connects a provider. They come back to `?next=`."""
    found = start_connect(
        app_client(),
        slug,
        headers=request.environ,
        return_to=url_for(".connected", _external=True),
        next_address=request.args.get("next"),
        own_host=request.host,
        cookie=request.cookies.get(CONNECT_COOKIE),
    )
    response = redirect(found.url)
    response.set_cookie(**found.cookie_arguments(is_https=request.is_secure))
    return response


@_handles_errors
def connected() -> Response:
    """Take back a user who connected a provider, and redirect to `?next=` of `connect`."""
    next_address = finish_connect(
        app_client(),
        current_client(),
        state=request.args.get("state"),
        cookie=request.cookies.get(CONNECT_COOKIE),
    )
    return redirect(next_address)


def webhook() -> Response:
    """Verify a webhook, and send the signal `webhook_received` once for each event."""
    app = this_app()
    try:
        event = verified_event(app, request, webhook_body(request))
    except RequestEntityTooLarge:
        return app.response_class(status=413)
    except ValidationError as error:
        return handle_view_error(error)
    handle_once(
        replay_cache(app),
        event.id,
        lambda: webhook_received.send(app, _async_wrapper=app.ensure_sync, event=event),
    )
    return app.response_class(status=200)


@_handles_errors
def identity() -> Response:
    """Return the signed-in user as JSON, or 401."""
    return jsonify(sso.identity_response(request.environ))
