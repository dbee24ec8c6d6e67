"""A project that starts imports no more than its requests need."""

from __future__ import annotations

from support.imports import imported_after

CONFIGURE = """
import django
from django.conf import settings
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth", "vendo_django"],
    MIDDLEWARE=["vendo_django.middleware.VendoMiddleware"],
    SECRET_KEY="key",
)
"""
START = """
django.setup()
from django.core.handlers.wsgi import WSGIHandler
WSGIHandler()
"""


def test_a_server_imports_no_checks_and_no_client() -> None:
    found = imported_after(CONFIGURE, START)
    assert "vendo_django.middleware" in found
    assert not found & {
        "vendo._client.base",
        "vendo._protocol.models",
        "vendo_django.checks",
        "vendo_django.clients",
        "vendo_django.errors",
    }
