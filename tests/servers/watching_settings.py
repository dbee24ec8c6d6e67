"""The settings of the project that watches events, and its one view."""

from __future__ import annotations

SECRET_KEY = "not-a-secret-" * 4
DEBUG = True
ALLOWED_HOSTS = ["127.0.0.1"]
ROOT_URLCONF = "servers.watching_urls"
INSTALLED_APPS = ["vendo_django"]
LOGGING_CONFIG = None
VENDO = {"WATCH": True}
