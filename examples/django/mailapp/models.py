"""The webhooks that the platform sent."""

from __future__ import annotations

from django.db import models


class Notice(models.Model):
    """One webhook."""

    type = models.CharField(max_length=100)
    slug = models.CharField(max_length=100, blank=True)
    received_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Newest first."""

        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.type} {self.slug}".strip()
