"""The commands that run each site on a server of its own, with one worker."""

from __future__ import annotations

_GUNICORN = ["gunicorn", "--bind=127.0.0.1:{port}"]
SITES = {
    "django": [*_GUNICORN, "servers.django_site:wsgi"],
    "flask": [*_GUNICORN, "servers.flask_site:app"],
    "starlette": ["uvicorn", "--port={port}", "--log-level=warning", "servers.starlette_site:app"],
}
