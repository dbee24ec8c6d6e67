"""The application, for `INSTALLED_APPS = [..., "vendo_django"]`."""

from __future__ import annotations

from django.apps import AppConfig


class VendoConfig(AppConfig):
    """Registers the system checks."""

    name = "vendo_django"
    verbose_name: str = "Vendo"

    def ready(self) -> None:
        """Called by Django once all applications are there."""
        from vendo_django import checks

        checks.register()
