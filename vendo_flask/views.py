"""The ready views: leave to connect a provider and come back, webhooks, and who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from flask import Blueprint, Response, jsonify, request, url_for
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import RequestEntityTooLarge

from vendo import IdentityNotPresent, ValidationError, VendoError, WebhooksAPI, sso
from vendo.web import (
    CONNECT_COOKIE,
    CONNECT_SECONDS,
    MAX_WEBHOOK_BYTES,
    checked_next,
    leave_to_connect,
    return_from_connect,
)
from vendo_flask import conf
from vendo_flask.answers import redirect, refusal_response
from vendo_flask.current import app_client, current_client, this_app
from vendo_flask.links import BLUEPRINT
from vendo_flask.repeats import seen_events
from vendo_flask.signals import webhook_received

_Parameters = ParamSpec("_Parameters")


def blueprint() -> Blueprint:
    """The views, for `app.register_blueprint(blueprint())`.

    They stand below `/api/vendo`, where the platform's pages look for `identity`; another
    `url_prefix=` can be given when the blueprint is registered.
    """
    views = Blueprint("vendo", __name__, url_prefix="/api/vendo")
    views.add_url_rule("/connect/done/", view_func=connected)
    views.add_url_rule("/connect/<slug>/", view_func=connect)
    views.add_url_rule(
        "/webhook/", view_func=webhook, methods=["POST"], provide_automatic_options=False
    )
    views.add_url_rule("/identity", view_func=identity)
    views.record(_note_name)
    return views


def _note_name(state: BlueprintSetupState) -> None:
    # It can be registered under another name, and inside of another blueprint.
    name = f"{state.name_prefix}.{state.name}".lstrip(".")
    state.app.extensions[BLUEPRINT] = name


def _answers_refusals(
    view: Callable[_Parameters, Response],
) -> Callable[_Parameters, Response]:
    """A view whose errors of vendo's are answered, with or without `errors=True`. No cache keeps
    its responses.
    """

    @wraps(view)
    def answered(*args: _Parameters.args, **kwargs: _Parameters.kwargs) -> Response:
        try:
            response = view(*args, **kwargs)
        except VendoError as error:
            response = refusal_response(error)
        response.headers["Cache-Control"] = "no-store, private"
        return response

    return answered


@_answers_refusals
def connect(slug: str) -> Response:
    """Redirect to the page on which a person connects a provider. They come back to `?next=`."""
    if sso.is_enabled() and sso.identity_from_headers(request.environ) is None:
        # The address holds the API key: behind the platform's proxy it is for signed-in people.
        raise IdentityNotPresent("identity_not_present", "Sign in to connect a provider.")
    leaving = leave_to_connect(
        app_client(),
        slug,
        return_to=url_for(".connected", _external=True),
        next_address=checked_next(request.args.get("next"), [request.host]),
        cookie=request.cookies.get(CONNECT_COOKIE),
    )
    response = redirect(leaving.url)
    response.set_cookie(
        CONNECT_COOKIE,
        leaving.cookie,
        max_age=CONNECT_SECONDS,
        secure=request.is_secure,
        httponly=True,
        samesite="Lax",
    )
    return response


@_answers_refusals
def connected() -> Response:
    """Where a person comes back from connecting a provider; they go on to where they had been."""
    slug, next_address = return_from_connect(
        app_client(), request.args.get("state"), request.cookies.get(CONNECT_COOKIE)
    )
    current_client().invalidate(slug)
    return redirect(next_address)


def webhook() -> Response:
    """Verify a webhook and send the signal `webhook_received`, once for each of its ids."""
    app, limit = this_app(), request.max_content_length
    if limit is None or limit > MAX_WEBHOOK_BYTES:
        # One more: a body without a length is cut at the limit, and not refused.
        request.max_content_length = MAX_WEBHOOK_BYTES + 1
    try:
        body = request.get_data()
    except RequestEntityTooLarge:
        return app.response_class(status=413)
    if len(body) > MAX_WEBHOOK_BYTES:
        return app.response_class(status=413)
    try:
        event = WebhooksAPI(conf.webhook_secrets(app)).verify(request.environ, body)
    except ValidationError as error:
        return refusal_response(error)
    seen = seen_events(app)
    if seen.claim(event.id):
        try:
            webhook_received.send(app, _async_wrapper=app.ensure_sync, event=event)
        except BaseException:
            seen.release(event.id)  # the next delivery of it is to be handled
            raise
    return app.response_class(status=200)


@_answers_refusals
def identity() -> Response:
    """Who is signed in, as JSON; 401 where nobody is."""
    return jsonify(sso.identity_response(request.environ))
