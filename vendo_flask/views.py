"""The views of `blueprint()`: connect a provider, come back, webhooks, and the identity."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache, wraps
from typing import ParamSpec

from flask import Blueprint, Flask, Response, jsonify, request
from flask.blueprints import BlueprintSetupState
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge
from werkzeug.urls import iri_to_uri

from vendo import ValidationError, VendoError, WebhookEvent
from vendo.web import (
    EventInProgress,
    NoWebhookSecret,
    ReceiverFailed,
    checked_rule,
    checked_slug,
    finish_connect,
    handle_once,
    identity_body,
    invalid,
    returned_state,
    start_connect,
)
from vendo_flask import settings
from vendo_flask.clients import app_client, current_client
from vendo_flask.connect import VIEWS, MayConnect, Views, check_connect, own_hosts, why_not
from vendo_flask.context import this_app
from vendo_flask.errors import handle_view_error, redirect
from vendo_flask.signals import webhook_received
from vendo_flask.webhooks import replay_store, verified_webhook, webhook_body

_Parameters = ParamSpec("_Parameters")

#: An argument `slug` in a rule, with or without a converter.
_SLUG = re.compile(r"<(?:[^>]*:)?slug>")


def blueprint(*, may_connect: MayConnect | None = None) -> Blueprint:
    """Return the views, for `app.register_blueprint(blueprint())`. Both modes.

    They are below `/api/vendo`, where the platform's pages look for `identity`. Give another
    `url_prefix=` when you register the blueprint.

    Args:
        may_connect: `may_connect(request, slug)` returns whether the user may connect a provider,
            and alone decides. It may be a coroutine function. Without it, users whom the platform's
            proxy names may (`VENDO_AUTH=1`), except viewers; elsewhere no user may. All who can
            open the view hold the API key.

    Returns:
        A new blueprint with the views `connect`, `connected`, `webhook` and `identity`.

    Raises:
        ValidationError: `may_connect` is not a function.

    Example:
        ```python
        from flask import Flask, session

        from vendo_flask import FlaskVendo, blueprint

        def may_connect(request, slug):
            return session.get("role") == "admin"

        app = Flask(__name__)
        FlaskVendo(app)
        app.register_blueprint(blueprint(may_connect=may_connect))
        print(app.test_client().get("/api/vendo/identity").status_code)  # 401
        ```
    """
    checked_rule(may_connect)

    def connect(slug: str, **_captured: object) -> Response:
        return _connect(checked_slug(slug), may_connect)

    def connected(**_captured: object) -> Response:
        return _connected(may_connect)

    def keep(state: BlueprintSetupState) -> None:
        if _SLUG.search(f"{state.url_prefix} {state.subdomain}"):
            raise invalid(
                "The argument slug of url_prefix= is taken by the connect view.",
                fix="Give it another name, such as /<tenant>/vendo.",
            )
        # It can be registered under another name, and inside of another blueprint.
        name = f"{state.name_prefix}.{state.name}".lstrip(".")
        state.app.extensions.setdefault(VIEWS, []).append(Views(name, may_connect))

    views = Blueprint("vendo", __name__, url_prefix="/api/vendo")
    views.record(keep)
    views.add_url_rule("/connect/done/", view_func=_handles_errors(connected))
    views.add_url_rule("/connect/<slug>/", view_func=_handles_errors(connect))
    views.add_url_rule(
        "/webhook/", view_func=webhook, methods=["POST"], provide_automatic_options=False
    )
    views.add_url_rule("/identity", view_func=identity)
    return views


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


def _connect(slug: str, may_connect: MayConnect | None) -> Response:
    """Redirect to the page on which a user connects a provider. They come back to `?next=`."""
    check_connect(slug, may_connect)
    found = start_connect(
        app_client(),
        slug,
        own_url=iri_to_uri(request.base_url),
        own_hosts=own_hosts(this_app()),
        query=request.args,
        cookies=request.cookies,
        headers=dict(request.headers),
        home=f"{request.root_path}/",
    )
    response = redirect(found.url)
    response.set_cookie(**found.cookie)
    return response


def _connected(may_connect: MayConnect | None) -> Response:
    """Take back a user who connected a provider, and redirect to `?next=` of `connect`."""
    app, own_url, query = this_app(), iri_to_uri(request.base_url), request.args
    state = returned_state(app_client(), own_url=own_url, query=query, cookies=request.cookies)
    next_address = finish_connect(
        app_client(),
        current_client(),
        state,
        own_url=own_url,
        own_hosts=own_hosts(app),
        query=query,
        store=replay_store(app),
        may_connect=request.method == "GET" and why_not(state.slug, may_connect) is None,
    )
    return redirect(next_address)


def webhook(**_captured: object) -> Response:
    """Verify a webhook, and send the signal `webhook_received` once for each event."""
    app = this_app()
    try:
        event, replay_key = verified_webhook(app, request, webhook_body(request))
    except RequestEntityTooLarge:
        return app.response_class(status=413)
    except (ValidationError, NoWebhookSecret) as error:
        return handle_view_error(error)
    store = replay_store(app)
    try:
        handle_once(store, replay_key, lambda: _send(app, event))
    except EventInProgress as error:
        return handle_view_error(error)
    except (VendoError, HTTPException) as error:
        raise ReceiverFailed(f"A receiver of webhooks raised {type(error).__name__}.") from error
    return app.response_class(status=200)


def _send(app: Flask, event: WebhookEvent) -> None:
    if not webhook_received.send(app, _async_wrapper=app.ensure_sync, event=event):
        _warn_of_no_receiver()


@cache
def _warn_of_no_receiver() -> None:
    # A signal holds its receivers weakly.
    this_app().logger.warning(
        "A webhook arrived, and no receiver is connected to webhook_received. Fix: connect a "
        "function that is defined at the top of a module."
    )


@_handles_errors
def identity(**_captured: object) -> Response:
    """Return the signed-in user as JSON, or 401."""
    trust = settings.trusts_wsgi_headers(this_app())
    return jsonify(identity_body(request.environ, trust_wsgi_headers=trust))
