"""The settings."""

import os

from vendo_django import token

# From `VENDO_TOKEN_DJANGO_SECRET_KEY`, or from a connection of that name.
SECRET_KEY = token("django-secret-key")
ALLOWED_HOSTS = ["127.0.0.1", "localhost"]
ROOT_URLCONF = "mailapp.urls"
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
        "NAME": os.environ["MAILBOX_DATABASE"],
    }
}
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["django.template.context_processors.request"]},
    },
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "vendo_django.middleware.VendoMiddleware",
    "vendo_django.middleware.VendoIdentityMiddleware",  # signs in the user whom the proxy names
]
AUTHENTICATION_BACKENDS = ["vendo_django.backends.VendoIdentityBackend"]
# A page that needs Gmail says so, with a button to connect it. The user comes back to the page.
VENDO = {"ERRORS": True}
