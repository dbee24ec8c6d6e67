"""Extra `django`: the application, its checks and its command."""

from __future__ import annotations

import asyncio
import io

import django
from django.conf import settings
from django.core.management import call_command

from vendo_django import aclient, token

settings.configure(
    INSTALLED_APPS=["vendo_django"],
    MIDDLEWARE=["vendo_django.middleware.VendoMiddleware"],
    ROOT_URLCONF="vendo_django.urls",
    OPENAI_API_KEY=token("openai"),
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    SECRET_KEY="probe",
)
django.setup()
assert settings.OPENAI_API_KEY == "sk-probe"
assert asyncio.run(aclient().token("openai")) == "sk-probe"
call_command("check", fail_level="ERROR")
printed = io.StringIO()
call_command("vendo", "catalog", "openai", stdout=printed)
assert "OPENAI_API_KEY" in printed.getvalue()

from django.template import engines  # noqa: E402  # Django must be set up

template = engines["django"].from_string(
    "{% load vendo %}{% vendo_connected 'openai' as ok %}{{ ok }}"
)
assert template.render({}) == "True"
