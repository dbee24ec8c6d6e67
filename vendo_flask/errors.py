"""Responses to vendo's errors, and the report of those that are internal."""

from __future__ import annotations

import sys

from flask import Response, current_app, got_request_exception, json, render_template, request
from jinja2 import TemplateNotFound

from vendo import VendoError
from vendo.web import (
    ErrorPage,
    ErrorResponse,
    error_page,
    error_response,
    prefers_html,
    request_error_response,
)
from vendo_flask.clients import app_client
from vendo_flask.connect import Link, connect_link, why_not
from vendo_flask.context import this_app

#: A template of this name takes the place of the built-in page. Its variables: `ErrorPage`.
_TEMPLATE = "vendo/error.html"


def handle_error(error: VendoError) -> Response:
    """Return the response to one of vendo's errors that no view handles.

    Call it while the error is handled: a 500 is logged with its traceback.

    Raises:
        VendoError: `error`, where it is internal, in debug mode: Flask's debugger shows it.
    """
    # OSS mode has no page to connect a provider on.
    link = connect_link(error.slug) if error.slug and app_client().is_vendo_mode() else None
    return _response(error_response(error, connect_url=link and link.address), error, link)


def handle_view_error(error: VendoError) -> Response:
    """Return the response to an error of one of our own views. A `ValidationError` is a 400.

    Raises:
        VendoError: as for `handle_error`.
    """
    return _response(request_error_response(error), error)


def redirect(location: str) -> Response:
    """Return a redirect without a body: that of Flask contains the address, and so the key."""
    return current_app.response_class(status=302, headers={"Location": location})


def _response(found: ErrorResponse, error: VendoError, link: Link | None = None) -> Response:
    app = this_app()
    if found.is_internal:
        if app.debug:
            raise error
        # As Flask reports an exception that no view handles.
        got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
        app.log_exception(sys.exc_info())
    if prefers_html(request.headers.get("Accept")):
        page = error_page(
            error,
            found,
            query=request.query_string.decode("latin-1"),
            blocked=why_not(error.slug or "", link.may_connect) if link else None,
            debug=app.debug,
        )
        body, kind = _html(page), "text/html"
    else:
        body, kind = json.dumps(found.body), "application/json"
    response = app.response_class(body, found.status, found.headers, mimetype=kind)
    if kind == "text/html":
        response.headers["X-Frame-Options"] = "DENY"  # no other site may lead a user to the button
    response.vary.add("Accept")
    return response


def _html(page: ErrorPage) -> str:
    try:
        return render_template(_TEMPLATE, **page.context())
    except TemplateNotFound as error:
        if error.name != _TEMPLATE:
            raise
        return page.html()
