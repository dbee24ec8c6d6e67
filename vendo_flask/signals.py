"""The signal `webhook_received`."""

from __future__ import annotations

from blinker import NamedSignal, Namespace

webhook_received: NamedSignal = Namespace().signal("vendo-webhook-received")
"""Sent once for each webhook event, after its signature was verified.

Receivers get the application and `event`, a `vendo.WebhookEvent`; `flask.request` is the webhook's
request. When a receiver raises, the response is an error, and the platform delivers the webhook
again.

Example:
    ```python
    from vendo_flask import webhook_received

    @webhook_received.connect
    def on_webhook(app, event):
        print(event.type)
    ```
"""
