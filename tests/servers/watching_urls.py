"""The view of the project that watches events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import JsonResponse
from django.urls import path

from servers.watching import seen

if TYPE_CHECKING:
    from django.http import HttpRequest


def view(request: HttpRequest) -> JsonResponse:
    return JsonResponse(seen())


urlpatterns = [path("", view)]
