"""The settings of the Django site."""

from __future__ import annotations

import os

SECRET_KEY = "not-a-secret-" * 4
DEBUG = False
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "servers.django_site"
WSGI_APPLICATION = "servers.all_sites.wsgi"  # for runserver
INSTALLED_APPS = ["vendo_django"]
MIDDLEWARE = ["vendo_django.middleware.VendoMiddleware"]
LOGGING_CONFIG = None
VENDO = {
    "ERRORS": True,
    "MAY_CONNECT": "servers.django_site.anyone",
    "REDIS_URL": os.environ.get("SITE_REDIS_URL"),
}
