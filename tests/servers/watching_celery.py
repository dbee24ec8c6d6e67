"""A worker of Celery in the project of Django that watches events."""

from __future__ import annotations

from servers import watching
from servers.broker import app

watching.wsgi()
seen = app.task(watching.seen)
