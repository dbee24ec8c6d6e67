"""The URLs of the Django site: its two APIs, pages, and the ready-made views."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import include, path

from companions import drf_api, ninja_api
from servers.handling import handle
from vendo import WebhookEvent
from vendo_django import VendoHttpRequest, aclient
from vendo_django.signals import webhook_received


def receive(sender: object, event: WebhookEvent, **_: object) -> None:
    handle(event)


webhook_received.connect(receive)


def page(request: VendoHttpRequest) -> HttpResponse:
    return HttpResponse(request.vendo.token("gmail"))


async def apage(request: VendoHttpRequest) -> HttpResponse:
    return HttpResponse(await aclient(request).token("gmail"))


urlpatterns = [
    path("page/", page),
    path("apage/", apage),
    path("drf/", include(drf_api)),
    path("ninja/", ninja_api.api.urls),
    path("api/vendo/", include("vendo_django.urls")),
]
