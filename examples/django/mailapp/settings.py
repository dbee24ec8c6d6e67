"""The settings. Those for Vendo are at the end."""

from __future__ import annotations

import os

from vendo_django import token

# From `VENDO_TOKEN_DJANGO_SECRET_KEY`, or from a connection of that name.
SECRET_KEY = token("django-secret-key")
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "mailapp.urls"
WSGI_APPLICATION = "mailapp.wsgi.application"
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "vendo_django",
    "mailapp",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": os.environ.get("MAILBOX_DATABASE", "mailapp.sqlite3"),
    }
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
            ],
        },
    },
]
USE_TZ = True
TIME_ZONE = "UTC"

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "vendo_django.middleware.VendoMiddleware",
    "vendo_django.middleware.VendoIdentityMiddleware",
]
AUTHENTICATION_BACKENDS = ["vendo_django.backends.VendoIdentityBackend"]
VENDO = {
    # A page that needs Gmail says so, with a button to connect it. The user comes back to the page.
    "ERRORS": True,
    # Who may connect an account: users who are signed in, except viewers.
    "MAY_CONNECT": "mailapp.views.may_connect",
}
