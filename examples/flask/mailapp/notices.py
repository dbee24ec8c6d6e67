"""The latest webhooks, kept for the home page."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from flask import current_app

from vendo_flask import webhook_received

if TYPE_CHECKING:
    from flask import Flask

    from vendo import WebhookEvent


@dataclass(frozen=True, slots=True)
class Notice:
    """One webhook."""

    type: str
    slug: str
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def keep_notices(app: Flask) -> None:
    """Keep the latest webhooks of an application in memory."""
    app.extensions["notices"] = deque(maxlen=10)
    webhook_received.connect(_keep, app)


def latest() -> list[Notice]:
    """Return the latest webhooks, newest first."""
    return list(current_app.extensions["notices"])


def _keep(app: Flask, event: WebhookEvent) -> None:
    # It is verified already, and each event arrives once.
    app.extensions["notices"].appendleft(Notice(event.type, event.slug or ""))
