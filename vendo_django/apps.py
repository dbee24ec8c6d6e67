"""The application, for `INSTALLED_APPS = [..., "vendo_django"]`."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.core import checks


class VendoConfig(AppConfig):
    """The application `vendo_django`."""

    name = "vendo_django"
    verbose_name: str = "Vendo"

    def ready(self) -> None:
        """Register the checks. A server runs none, so their module is imported when they run."""
        checks.register(_check_project, checks.Tags.security)
        checks.register(_check_deployment, checks.Tags.security, deploy=True)


def _check_project(**options: Any) -> list[checks.CheckMessage]:
    from vendo_django.checks import check_project

    return check_project(**options)


def _check_deployment(**options: Any) -> list[checks.CheckMessage]:
    from vendo_django.checks import check_deployment

    return check_deployment(**options)
