"""The signal `webhook_received`."""

from __future__ import annotations

from django.dispatch import Signal

webhook_received: Signal = Signal()
"""Sent once for each webhook event, after its signature was verified.

Receivers get `event`, a `vendo.WebhookEvent`, and `request`; the sender is the class
`WebhookEvent`. When a receiver raises, the response is 500, and the platform delivers the webhook
again.

Example:
    ```python
    from django.dispatch import receiver

    from vendo_django import webhook_received

    @receiver(webhook_received)
    def on_webhook(event, **kwargs):
        print(event.type)
    ```
"""
