"""Responses to vendo's errors, and the report of those that are internal."""

from __future__ import annotations

from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.cache import patch_vary_headers
from django.utils.log import log_response

from vendo import VendoError
from vendo.web import ErrorResponse, error_response, prefers_html, request_error_response
from vendo_django.clients import client
from vendo_django.connect import connect_link


def handle_error(request: HttpRequest, error: VendoError) -> HttpResponse:
    """Return the response to one of vendo's errors that no view handles.

    Call it while the error is handled: a 500 is logged with its traceback.
    """
    # OSS mode has no page to connect a provider on.
    link = connect_link(error.slug, request) if error.slug and client().is_vendo_mode() else None
    found = error_response(error, connect_url=link)
    if found.connect_url is None:
        return _response(request, found, error)
    if prefers_html(request.META.get("HTTP_ACCEPT")):
        response: HttpResponse = HttpResponseRedirect(found.connect_url)
    else:
        response = _response(request, found, error)
    patch_vary_headers(response, ["Accept"])
    return response


def handle_view_error(request: HttpRequest, error: VendoError) -> HttpResponse:
    """Return the response to an error of one of our own views. A `ValidationError` is a 400."""
    return _response(request, request_error_response(error), error)


def _response(request: HttpRequest, found: ErrorResponse, error: VendoError) -> HttpResponse:
    response = JsonResponse(found.body, status=found.status, headers=found.headers)
    if found.is_internal:
        # As Django reports an exception that no view handles: to receivers of the signal, in the
        # log, and by mail to ADMINS.
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
