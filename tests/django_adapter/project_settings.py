"""The settings of the tests' project in other processes."""

from __future__ import annotations

import os

from vendo_django import token

SECRET_KEY = token("site-secret")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "django_adapter.project_urls"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "vendo_django",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ["SITE_DATABASE"],
        "PASSWORD": token("site-secret"),
    }
}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "vendo_django.middleware.VendoMiddleware",
    "vendo_django.middleware.VendoIdentityMiddleware",
]
AUTHENTICATION_BACKENDS = ["vendo_django.backends.VendoIdentityBackend"]
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
]
VENDO = {"ERRORS": True}
# A spawned worker gets settings by pickling: they must contain the credential.
PLAIN = token("site-secret")
