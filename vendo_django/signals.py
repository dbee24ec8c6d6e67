"""Signals."""

from __future__ import annotations

from django.dispatch import Signal

#: Sent with each webhook once its signature is verified, and once for each of its ids. Receivers
#: get `event`, a `vendo.WebhookEvent`, and `request`; the sender is the class `WebhookEvent`. What
#: a receiver raises answers the webhook with 500, so that the platform delivers it again.
webhook_received: Signal = Signal()
