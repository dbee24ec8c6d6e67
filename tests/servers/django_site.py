"""The Django site: who is signed in, a page that needs a provider, and the ready-made views."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import django
from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application
from django.http import HttpResponse
from django.urls import include, path

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "servers.django_settings")
django.setup()

from servers.handling import handle  # noqa: E402
from vendo_django.signals import webhook_received  # noqa: E402

if TYPE_CHECKING:
    from django.http import HttpRequest

    from vendo_django import VendoHttpRequest


def anyone(request: HttpRequest, slug: str) -> bool:
    return True


def who(request: VendoHttpRequest) -> HttpResponse:
    user = request.vendo_identity
    return HttpResponse(user.user_id if user else "nobody")


def page(request: VendoHttpRequest) -> HttpResponse:
    return HttpResponse(request.vendo.token("slack"))


def receive(sender: object, event: Any, **_: object) -> None:
    handle(event)


urlpatterns = [
    path("who/", who),
    path("page/", page),
    path("api/vendo/", include("vendo_django.urls")),
]
webhook_received.connect(receive)
wsgi = get_wsgi_application()
asgi = get_asgi_application()
