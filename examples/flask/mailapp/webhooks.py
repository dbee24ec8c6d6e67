"""The latest webhooks, in the memory of this process."""

from collections import deque

from flask import Flask

from vendo import WebhookEvent
from vendo_flask import webhook_received

#: Newest first.
latest: deque[WebhookEvent] = deque(maxlen=10)


@webhook_received.connect
def keep(app: Flask, event: WebhookEvent) -> None:
    """Keep a webhook for the home page. It is verified already, and each event arrives once."""
    latest.appendleft(event)
