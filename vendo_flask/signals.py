"""Signals."""

from __future__ import annotations

from blinker import NamedSignal, Namespace

#: Sent with each webhook once its signature is verified, and once for each of its ids. Receivers
#: get the application and `event`, a `vendo.WebhookEvent`; `flask.request` is the webhook's. What a
#: receiver raises answers the webhook with an error, so that the platform delivers it again.
webhook_received: NamedSignal = Namespace().signal("vendo-webhook-received")
