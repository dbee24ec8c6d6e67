"""Responses to vendo's errors."""

from __future__ import annotations

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.log import log_response

from vendo import VendoError
from vendo.web import ErrorAnswer, error_answer, prefers_html
from vendo_django.clients import client
from vendo_django.links import connect_link


def response_to(request: HttpRequest, error: VendoError) -> HttpResponse:
    """What a project answers when one of vendo's errors reaches Django."""
    # Without Vendo there is no page on which anything could be connected.
    link = connect_link(error.slug, request) if error.slug and client().is_vendo_mode() else None
    answer = error_answer(error, connect_url=link)
    if answer.connect_url is None:
        return reported(request, error, json_response(answer))
    if prefers_html(request.META.get("HTTP_ACCEPT")):
        response: HttpResponse = HttpResponseRedirect(answer.connect_url)
    else:
        response = json_response(answer)
    patch_vary_headers(response, ["Accept"])
    return response


def reported(request: HttpRequest, error: VendoError, response: HttpResponse) -> HttpResponse:
    """The response; what answers with 500 is told as Django tells of errors that nobody handles.

    The answer says nothing, so that somebody else has to be told: receivers of the signal, and who
    reads the log or the mails to `ADMINS`. It is called while the error is handled.
    """
    if response.status_code == 500:
        got_request_exception.send(sender=None, request=request)
        log_response(
            "%s: %s",
            response.reason_phrase,
            request.path,
            response=response,
            request=request,
            exception=error,
        )
    return response


def json_response(answer: ErrorAnswer) -> JsonResponse:
    """The answer as JSON."""
    return JsonResponse(answer.body, status=answer.status, headers=answer.headers)
