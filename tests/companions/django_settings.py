"""The settings of the Django site. django-environ reads them; the database is a credential."""

from __future__ import annotations

from pathlib import Path

import environ  # type: ignore[import-untyped]

from vendo_django import token

env = environ.Env()

SECRET_KEY = "not-a-secret-" * 4
DEBUG = env.bool("SITE_DEBUG", default=False)
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "companions.django_urls"
DATABASES = {"default": env.db_url_config(token("app-database"))}
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "channels",
    "rest_framework",
    "vendo_django",
]
MIDDLEWARE = [
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "vendo_django.middleware.VendoMiddleware",
    "vendo_django.middleware.VendoIdentityMiddleware",
]
AUTHENTICATION_BACKENDS = ["vendo_django.backends.VendoIdentityBackend"]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
]
STATIC_URL = "static/"
WHITENOISE_USE_FINDERS = True
STATICFILES_DIRS = [Path(__file__).parent / "static"]
VENDO = {"ERRORS": True}
