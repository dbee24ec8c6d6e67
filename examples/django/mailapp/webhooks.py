"""The latest webhooks, in the memory of this process."""

from collections import deque

from django.dispatch import receiver

from vendo import WebhookEvent
from vendo_django import webhook_received

#: Newest first.
latest: deque[WebhookEvent] = deque(maxlen=10)


@receiver(webhook_received)
def keep(event: WebhookEvent, **_: object) -> None:
    """Keep a webhook for the home page. It is verified already, and each event arrives once."""
    latest.appendleft(event)
