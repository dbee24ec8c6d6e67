"""Responses to vendo's errors."""

from __future__ import annotations

import sys

from flask import Response, current_app, got_request_exception, json, request

from vendo import VendoError
from vendo.web import ErrorAnswer, error_answer, prefers_html, refusal
from vendo_flask.current import app_client, this_app
from vendo_flask.links import connect_link


def response_to(error: VendoError) -> Response:
    """What an application answers when one of vendo's errors reaches Flask."""
    # Without Vendo there is no page on which anything could be connected.
    link = connect_link(error.slug) if error.slug and app_client().is_vendo_mode() else None
    answer = error_answer(error, connect_url=link)
    _tell(answer, error)
    if answer.connect_url is None:
        return json_response(answer)
    if prefers_html(request.headers.get("Accept")):
        response = redirect(answer.connect_url)
    else:
        response = json_response(answer)
    response.vary.add("Accept")
    return response


def refusal_response(error: VendoError) -> Response:
    """What a view of ours answers when the request itself is what is wrong, or we are."""
    answer = refusal(error)
    _tell(answer, error)
    return json_response(answer)


def _tell(answer: ErrorAnswer, error: VendoError) -> None:
    """A 500 says nothing, so that somebody else has to be told: all that Flask itself tells."""
    if answer.status == 500:
        app = this_app()
        got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
        app.log_exception(sys.exc_info())


def json_response(answer: ErrorAnswer) -> Response:
    """The answer as JSON."""
    return current_app.response_class(
        json.dumps(answer.body),
        status=answer.status,
        headers=answer.headers,
        mimetype="application/json",
    )


def redirect(location: str) -> Response:
    """A redirect without a page: Flask's own has one, with the address, which may hold the key."""
    return current_app.response_class(status=302, headers={"Location": location})
