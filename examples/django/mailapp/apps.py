"""The application."""

from __future__ import annotations

from django.apps import AppConfig


class MailConfig(AppConfig):
    """The configuration of the application."""

    name = "mailapp"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Connect the receivers, once Django has loaded all applications."""
        from mailapp import receivers  # noqa: F401  # the import connects them
