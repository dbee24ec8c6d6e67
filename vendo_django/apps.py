"""The application, for `INSTALLED_APPS = [..., "vendo_django"]`."""

from __future__ import annotations

from django.apps import AppConfig


class VendoConfig(AppConfig):
    """The application `vendo_django`."""

    name = "vendo_django"
    verbose_name: str = "Vendo"

    def ready(self) -> None:
        """Register the checks once all applications are loaded."""
        from vendo_django import checks

        checks.register()
