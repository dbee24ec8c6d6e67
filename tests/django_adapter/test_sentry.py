"""Sentry's report of a failed request contains no JWT and no key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.sentry import check_report

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

PROGRAM = """
from sentry_sdk.integrations.django import DjangoIntegration
report([DjangoIntegration()])

import asyncio, os, sys, types
import django
from django.conf import settings
from django.test import Client
from django.urls import path

def fail(request):
    headers, meta, scope = request.headers, request.META, getattr(request, "scope", None)
    request.vendo.token("gmail")
    raise ZeroDivisionError

urls = types.ModuleType("urls")
urls.urlpatterns = [path("fail/", fail)]
sys.modules["urls"] = urls
settings.configure(
    SECRET_KEY="not-a-secret", ALLOWED_HOSTS=["testserver"], ROOT_URLCONF="urls",
    MIDDLEWARE=["vendo_django.middleware.VendoMiddleware"], INSTALLED_APPS=["vendo_django"],
)
django.setup()
from django_adapter.asgi import AsgiClient
headers = {"X-Vendo-User-JWT": os.environ["JWT"]}
browser = {"wsgi": Client, "asgi": AsgiClient}[os.environ["WAY"]](raise_request_exception=False)
response = browser.get("/fail/", headers=headers)
response = asyncio.run(response) if os.environ["WAY"] == "asgi" else response
assert response.status_code == 500
show()
"""


@pytest.mark.parametrize("way", ["wsgi", "asgi"])
def test_sentry_reports_neither_the_jwt_nor_the_key(way: str, vendo_mode: LocalVendo) -> None:
    check_report(PROGRAM, vendo_mode, WAY=way)
