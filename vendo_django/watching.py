"""Events that are watched while a project runs."""

from __future__ import annotations

import os
import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.signals import request_started

from vendo import web
from vendo.errors import MissingExtra, ValidationError
from vendo_django import settings
from vendo_django.clients import client


def start() -> None:
    """Watch events in each process that serves the project, where the setting asks for it.

    Raises:
        ImproperlyConfigured: the URL of the Redis is malformed, or the package is not installed.
    """
    if not settings.watches_events() or _only_starts_another_process():
        return
    given = settings.redis_url()
    source = web.redis_source(given, settings.client_label("redis_url"))
    try:
        watch = web.AppWatch(client, web.redis_url(given), source)
    except (MissingExtra, ValidationError) as error:
        raise ImproperlyConfigured(f"vendo: {error}") from None

    def begin(**_: Any) -> None:
        watch.begin()

    request_started.connect(begin, weak=False, dispatch_uid="vendo_django.watching")


def _only_starts_another_process() -> bool:
    """Return True in the process of `runserver` that restarts the one that serves."""
    is_runserver = sys.argv[1:2] == ["runserver"] and "--noreload" not in sys.argv
    return is_runserver and os.environ.get("RUN_MAIN") != "true"
