"""The signal `webhook_received`."""

from __future__ import annotations

from django.dispatch import Signal

#: Sent once for each webhook event, after its signature was verified. Receivers get `event`, a
#: `vendo.WebhookEvent`, and `request`; the sender is the class `WebhookEvent`. When a receiver
#: raises, the response is 500, and the platform delivers the webhook again.
webhook_received: Signal = Signal()
