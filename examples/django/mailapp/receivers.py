"""The receiver of webhooks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.dispatch import receiver

from mailapp.models import Notice
from vendo_django import webhook_received

if TYPE_CHECKING:
    from vendo import WebhookEvent


@receiver(webhook_received)
def keep(event: WebhookEvent, **_: Any) -> None:
    """Store a webhook for the home page. It is verified already, and each event arrives once."""
    Notice.objects.create(type=event.type[:100], slug=(event.slug or "")[:100])
