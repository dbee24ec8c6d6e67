"""Responses to vendo's errors, and the report of those that are internal."""

from __future__ import annotations

from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template import TemplateDoesNotExist, loader
from django.utils.cache import patch_vary_headers
from django.utils.log import log_response

from vendo import VendoError
from vendo.web import (
    ErrorPage,
    ErrorResponse,
    error_page,
    error_response,
    prefers_html,
    request_error_response,
)
from vendo_django.clients import client
from vendo_django.connect import connect_link, why_not

#: A template of this name takes the place of the built-in page. Its variables: `ErrorPage`.
_TEMPLATE = "vendo_django/error.html"


def handle_error(request: HttpRequest, error: VendoError) -> HttpResponse | None:
    """Return the response to one of vendo's errors that no view handles.

    Call it while the error is handled: a 500 is logged with its traceback.

    Returns:
        None for an internal error in debug mode: Django's debug page shows it.
    """
    # OSS mode has no page to connect a provider on.
    link = connect_link(error.slug, request) if error.slug and client().is_vendo_mode() else None
    found = error_response(error, connect_url=link)
    return None if found.is_internal and settings.DEBUG else _response(request, found, error)


def handle_view_error(request: HttpRequest, error: VendoError) -> HttpResponse:
    """Return the response to an error of one of our own views. A `ValidationError` is a 400.

    Raises:
        VendoError: `error`, where it is internal, in debug mode.
    """
    found = request_error_response(error)
    if found.is_internal and settings.DEBUG:
        raise error
    return _response(request, found, error)


def _response(request: HttpRequest, found: ErrorResponse, error: VendoError) -> HttpResponse:
    if prefers_html(request.META.get("HTTP_ACCEPT")):
        page = error_page(
            error,
            found,
            query=request.META.get("QUERY_STRING", ""),
            blocked=why_not(request, error.slug or "") if found.connect_url else None,
            debug=settings.DEBUG,
        )
        html = _html(page, request)
        # No other site may lead a user to the button.
        headers = {**found.headers, "X-Frame-Options": "DENY"}
        response: HttpResponse = HttpResponse(html, status=found.status, headers=headers)
    else:
        response = JsonResponse(found.body, status=found.status, headers=found.headers)
    patch_vary_headers(response, ["Accept"])
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


def _html(page: ErrorPage, request: HttpRequest) -> str:
    try:
        template = loader.get_template(_TEMPLATE)
    except TemplateDoesNotExist:
        return page.html()
    return template.render(page.context(), request)
