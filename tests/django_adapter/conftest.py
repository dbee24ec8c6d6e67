"""A Django project in this process, with an empty database for each test."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import django
import pytest
from django.conf import settings

from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOLDER = Path(tempfile.mkdtemp(prefix="vendo-django-"))

settings.configure(
    SECRET_KEY="not-a-secret-" * 4,
    ALLOWED_HOSTS=["testserver", "localhost", "127.0.0.1"],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(_FOLDER / "project.sqlite3"),
        }
    },
    INSTALLED_APPS=[
        "django.contrib.auth",
        "django.contrib.contenttypes",
        "django.contrib.sessions",
        "vendo_django",
    ],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "vendo_django.middleware.VendoMiddleware",
        "vendo_django.middleware.VendoIdentityMiddleware",
    ],
    AUTHENTICATION_BACKENDS=[
        "django.contrib.auth.backends.ModelBackend",
        "vendo_django.backends.VendoIdentityBackend",
    ],
    ROOT_URLCONF="django_adapter.project_urls",
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
        }
    ],
    USE_TZ=True,
)
django.setup()


@pytest.fixture(scope="session")
def database() -> Iterator[None]:
    from django.core.management import call_command
    from django.db import connections

    call_command("migrate", verbosity=0)
    yield
    connections.close_all()
    shutil.rmtree(_FOLDER, ignore_errors=True)


@pytest.fixture
def db(database: None) -> Iterator[None]:
    yield
    from django.contrib.auth.models import User
    from django.contrib.sessions.models import Session
    from django.db import connections

    User.objects.all().delete()
    Session.objects.all().delete()
    connections.close_all()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the machine's own variables and the webhooks cached by other tests."""
    from django.core.cache import cache

    known = {name for slug in catalog.slugs() for name in catalog.env_vars(slug)}
    for name in list(os.environ):
        if name.startswith("VENDO_") or name in known:
            monkeypatch.delenv(name)
    cache.clear()


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    connections = {"gmail": {}, "openai": {"token": "sk-openai", "lifetime": None}}
    with LocalVendo(connections=connections) as server:
        yield server


@pytest.fixture
def vendo_mode(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    """Set up the process as in a deployment, with the local server as Vendo."""
    for name, value in server.environment("gmail").items():
        monkeypatch.setenv(name, value)
    yield server
    from vendo_django import client

    client().close()


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set up the platform's proxy, and return the headers that it adds."""
    monkeypatch.setenv("VENDO_AUTH", "1")
    return {
        "X-Vendo-User-Id": "5f0c1a9e",
        "X-Vendo-User-Email": "ada@example.com",
        "X-Vendo-User-Name": "Ada Example",
        "X-Vendo-Tenant-Id": "tenant-1",
        "X-Vendo-Role": "member",
    }
