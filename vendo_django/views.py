"""The ready views: leave to connect a provider and come back, webhooks, and who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from hashlib import sha256
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_not_required
from django.core.cache import cache
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from vendo import (
    IdentityNotPresent,
    ValidationError,
    VendoError,
    WebhookEvent,
    WebhooksAPI,
    sso,
)
from vendo.web import (
    CONNECT_COOKIE,
    CONNECT_SECONDS,
    MAX_WEBHOOK_BYTES,
    WEBHOOK_WINDOW_SECONDS,
    checked_next,
    leave_to_connect,
    refusal,
    return_from_connect,
)
from vendo_django import conf
from vendo_django.answers import json_response, reported
from vendo_django.clients import client
from vendo_django.requests import sent_headers
from vendo_django.signals import webhook_received

_Parameters = ParamSpec("_Parameters")


def _answers_refusals(
    view: Callable[Concatenate[HttpRequest, _Parameters], HttpResponse],
) -> Callable[Concatenate[HttpRequest, _Parameters], HttpResponse]:
    """A view whose errors of vendo's are answered, with or without the middleware."""

    @wraps(view)
    def answered(
        request: HttpRequest, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except VendoError as error:
            return reported(request, error, json_response(refusal(error)))

    return answered


@never_cache
@require_safe
@_answers_refusals
def connect(request: HttpRequest, slug: str) -> HttpResponse:
    """Redirect to the page on which a person connects a provider. They come back to `?next=`."""
    if sso.is_enabled() and sso.identity_from_headers(sent_headers(request)) is None:
        # The address holds the API key: behind the platform's proxy it is for signed-in people.
        raise IdentityNotPresent("identity_not_present", "Sign in to connect a provider.")
    leaving = leave_to_connect(
        client(),
        slug,
        return_to=request.build_absolute_uri(reverse("vendo:connected")),
        next_address=checked_next(request.GET.get("next"), [request.get_host()]),
        cookie=request.COOKIES.get(CONNECT_COOKIE),
    )
    response = HttpResponseRedirect(leaving.url)
    response.set_cookie(
        CONNECT_COOKIE,
        leaving.cookie,
        max_age=CONNECT_SECONDS,
        secure=request.is_secure(),
        httponly=True,
        samesite="Lax",
    )
    return response


@never_cache
@require_safe
@_answers_refusals
def connected(request: HttpRequest) -> HttpResponse:
    """Where a person comes back from connecting a provider; they go on to where they had been."""
    slug, next_address = return_from_connect(
        client(), request.GET.get("state"), request.COOKIES.get(CONNECT_COOKIE)
    )
    client(request).invalidate(slug)
    return HttpResponseRedirect(next_address)


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Verify a webhook and send the signal `webhook_received`, once for each of its ids."""
    try:
        length = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return HttpResponse(status=400)
    try:
        body = b"" if length > MAX_WEBHOOK_BYTES else request.body
    except RequestDataTooBig:
        return HttpResponse(status=413)
    if max(length, len(body)) > MAX_WEBHOOK_BYTES:
        return HttpResponse(status=413)
    try:
        event = WebhooksAPI(conf.webhook_secrets()).verify(request.META, body)
    except ValidationError as error:
        return json_response(refusal(error))
    key = f"vendo.webhook.{sha256(event.id.encode('utf-8', 'replace')).hexdigest()}"
    if cache.add(key, 1, timeout=WEBHOOK_WINDOW_SECONDS):
        try:
            webhook_received.send(sender=WebhookEvent, event=event, request=request)
        except BaseException:
            cache.delete(key)  # the next delivery of it is to be handled
            raise
    return HttpResponse(status=200)


@never_cache
@login_not_required
@require_safe
@_answers_refusals
def identity(request: HttpRequest) -> HttpResponse:
    """Who is signed in, as JSON; 401 where nobody is."""
    return JsonResponse(sso.identity_response(sent_headers(request)))
