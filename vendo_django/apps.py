"""The application, for `INSTALLED_APPS = [..., "vendo_django"]`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.apps import AppConfig
from django.conf import settings
from django.core import checks


class VendoConfig(AppConfig):
    """The application `vendo_django`."""

    name = "vendo_django"
    verbose_name: str = "Vendo"

    def ready(self) -> None:
        """Register the checks, and watch events where the setting asks for it.

        A server runs no checks, so their module is imported when they run.

        Raises:
            ImproperlyConfigured: events are to be watched, and the settings are malformed.
        """
        checks.register(_check_project, checks.Tags.security)
        checks.register(_check_deployment, checks.Tags.security, deploy=True)
        if _asks_to_watch():
            from vendo_django import watching

            watching.start()


def _asks_to_watch() -> bool:
    # In a frame of its own, which no traceback of an error shows: the setting may hold secrets.
    setting = getattr(settings, "VENDO", None)
    value = setting.get("WATCH") if isinstance(setting, Mapping) else None
    return value is not None and value is not False  # 0 is an error, as everything else is


def _check_project(**options: Any) -> list[checks.CheckMessage]:
    from vendo_django.checks import check_project

    return check_project(**options)


def _check_deployment(**options: Any) -> list[checks.CheckMessage]:
    from vendo_django.checks import check_deployment

    return check_deployment(**options)
