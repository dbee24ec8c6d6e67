"""The application."""

from __future__ import annotations

from django.apps import AppConfig


class MailConfig(AppConfig):
    """Connects the receivers of signals."""

    name = "mailapp"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Called by Django once all applications are there."""
        from mailapp import receivers  # noqa: F401  # importing it connects them
