"""The views of `vendo_django.urls`: connect a provider, come back, webhooks, and the identity."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from functools import cache, wraps
from typing import Concatenate, ParamSpec

from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import (
    BadRequest,
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import connections, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import get_script_prefix
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from vendo import ValidationError, VendoError, WebhookEvent
from vendo.web import (
    EventInProgress,
    NoWebhookSecret,
    ReceiverFailed,
    checked_slug,
    finish_connect,
    handle_once,
    identity_body,
    returned_state,
    start_connect,
)
from vendo_django import settings
from vendo_django.clients import client
from vendo_django.connect import check_connect, why_not
from vendo_django.errors import handle_view_error
from vendo_django.identity import sent_headers
from vendo_django.signals import webhook_received
from vendo_django.webhooks import replay_store, verified_webhook, webhook_body

_log = logging.getLogger("vendo_django")
_Parameters = ParamSpec("_Parameters")


def _handles_errors(
    view: Callable[Concatenate[HttpRequest, _Parameters], HttpResponse],
) -> Callable[Concatenate[HttpRequest, _Parameters], HttpResponse]:
    """Have a view respond to vendo's errors, with or without the middleware."""

    @wraps(view)
    def handling(
        request: HttpRequest, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs
    ) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except VendoError as error:
            return handle_view_error(request, error)

    return handling


@never_cache
@require_safe
@_handles_errors
def connect(request: HttpRequest, /, slug: str, **_captured: object) -> HttpResponse:
    """Redirect to the page on which a user connects a provider. They come back to `?next=`."""
    slug = checked_slug(slug)
    check_connect(request, slug)
    redirect = start_connect(
        client(),
        slug,
        own_url=request.build_absolute_uri(request.path),
        query=request.GET,
        cookies=request.COOKIES,
        headers=request.headers,
        home=get_script_prefix(),
    )
    response = HttpResponseRedirect(redirect.url)
    response.set_cookie(**redirect.cookie)
    return response


@never_cache
@require_safe
@_handles_errors
def connected(request: HttpRequest, /, **_captured: object) -> HttpResponse:
    """Take back a user who connected a provider, and redirect to `?next=` of `connect`."""
    own_url, query = request.build_absolute_uri(request.path), request.GET
    state = returned_state(client(), own_url=own_url, query=query, cookies=request.COOKIES)
    next_address = finish_connect(
        client(),
        client(request),
        state,
        own_url=own_url,
        query=query,
        store=replay_store(),
        may_connect=request.method == "GET" and why_not(request, state.slug) is None,
    )
    return HttpResponseRedirect(next_address)


@csrf_exempt
@login_not_required
@require_POST
def webhook(request: HttpRequest, /, **_captured: object) -> HttpResponse:
    """Verify a webhook, and send the signal `webhook_received` once for each event."""
    try:
        event, replay_key = verified_webhook(request, webhook_body(request))
    except RequestDataTooBig:
        return HttpResponse(status=413)
    except (ValidationError, NoWebhookSecret) as error:
        return handle_view_error(request, error)
    except ValueError:
        return HttpResponse(status=400)
    store = replay_store()
    try:
        handle_once(store, replay_key, lambda: _send(event, request))
    except EventInProgress as error:
        return handle_view_error(request, error)
    except (VendoError, Http404, PermissionDenied, BadRequest, SuspiciousOperation) as error:
        raise ReceiverFailed(f"A receiver of webhooks raised {type(error).__name__}.") from error
    return HttpResponse(status=200)


def _send(event: WebhookEvent, request: HttpRequest) -> None:
    """Send the signal. What receivers write is committed before the event counts as done."""
    with ExitStack() as transactions:
        for alias, database in connections.settings.items():
            if database["ATOMIC_REQUESTS"]:
                transactions.enter_context(transaction.atomic(using=alias))
        if not webhook_received.send(sender=WebhookEvent, event=event, request=request):
            _warn_of_no_receiver()


@cache
def _warn_of_no_receiver() -> None:
    _log.warning(
        "A webhook arrived, and no receiver is connected to webhook_received. Fix: import the "
        "module of your receivers in ready() of an AppConfig."
    )


for _alias in connections:
    webhook = transaction.non_atomic_requests(using=_alias)(webhook)


@never_cache
@login_not_required
@require_safe
@_handles_errors
def identity(request: HttpRequest, /, **_captured: object) -> HttpResponse:
    """Return the signed-in user as JSON, or 401."""
    trust = settings.trusts_wsgi_headers()
    return JsonResponse(identity_body(sent_headers(request), trust_wsgi_headers=trust))
