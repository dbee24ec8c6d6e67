"""Responses to vendo's errors, and the report of those that are internal."""

from __future__ import annotations

import sys

from flask import Response, current_app, got_request_exception, json, request

from vendo import VendoError
from vendo.web import ErrorResponse, error_response, prefers_html, request_error_response
from vendo_flask.clients import app_client
from vendo_flask.connect import connect_link
from vendo_flask.context import this_app


def handle_error(error: VendoError) -> Response:
    """Return the response to one of vendo's errors that no view handles.

    Call it while the error is handled: a 500 is logged with its traceback.
    """
    # OSS mode has no page to connect a provider on.
    link = connect_link(error.slug) if error.slug and app_client().is_vendo_mode() else None
    found = error_response(error, connect_url=link)
    if found.connect_url is None:
        return _response(found, error)
    if prefers_html(request.headers.get("Accept")):
        response = redirect(found.connect_url)
    else:
        response = _response(found, error)
    response.vary.add("Accept")
    return response


def handle_view_error(error: VendoError) -> Response:
    """Return the response to an error of one of our own views. A `ValidationError` is a 400."""
    return _response(request_error_response(error), error)


def redirect(location: str) -> Response:
    """Return a redirect without a body: that of Flask contains the address, and so the key."""
    return current_app.response_class(status=302, headers={"Location": location})


def _response(found: ErrorResponse, error: VendoError) -> Response:
    if found.is_internal:
        # As Flask reports an exception that no view handles.
        app = this_app()
        got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
        app.log_exception(sys.exc_info())
    return current_app.response_class(
        json.dumps(found.body),
        status=found.status,
        headers=found.headers,
        mimetype="application/json",
    )
