"""The tests' project as servers and runners load it: the WSGI and the ASGI application."""

from __future__ import annotations

import os

from django.core.asgi import get_asgi_application
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "django_adapter.project_settings")

wsgi = get_wsgi_application()
asgi = get_asgi_application()
