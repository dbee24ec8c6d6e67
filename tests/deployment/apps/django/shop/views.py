"""The views."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.dispatch import receiver
from django.http import HttpResponse, JsonResponse

from vendo_django import client, webhook_received

if TYPE_CHECKING:
    from collections.abc import Callable

    from django.http import HttpRequest

    from vendo_django import VendoHttpRequest


def may_connect(request: HttpRequest, slug: str) -> bool:
    return True


def name_worker(get_response: Callable[[HttpRequest], HttpResponse]) -> Any:
    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        response["X-Worker"] = str(os.getpid())
        return response

    return middleware


def live(request: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


def healthz(request: HttpRequest) -> HttpResponse:
    health = client().check(["gmail"])
    return JsonResponse({"ok": health.ok}, status=200 if health.ok else 503)


def page(request: VendoHttpRequest, slug: str) -> HttpResponse:
    return HttpResponse(request.vendo.token(slug))


def mail(request: VendoHttpRequest) -> HttpResponse:
    profile = request.vendo.session("gmail").get("gmail/v1/users/me/profile")
    return HttpResponse(profile.json()["emailAddress"], status=profile.status_code)


@receiver(webhook_received)
def receive(event: Any, **_: object) -> None:
    with Path(os.environ["SHOP_EVENTS"]).open("a") as file:
        file.write(f"{event.id}\n")
