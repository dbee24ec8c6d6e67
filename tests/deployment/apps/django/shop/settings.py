"""The settings. The tests add what the page says."""

from __future__ import annotations

from vendo_django import token

SECRET_KEY = token("shop-secret-key")
ALLOWED_HOSTS = ["shop.example.com", "localhost", "127.0.0.1"]
ROOT_URLCONF = "shop.urls"
WSGI_APPLICATION = "shop.wsgi.application"
INSTALLED_APPS = ["django.contrib.staticfiles", "vendo_django", "shop"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "shop.views.name_worker",
    "vendo_django.middleware.VendoMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates"}]
STATIC_URL = "static/"
STATIC_ROOT = "collected"
LOGGING_CONFIG = None
VENDO = {"ERRORS": True, "MAY_CONNECT": "shop.views.may_connect"}
