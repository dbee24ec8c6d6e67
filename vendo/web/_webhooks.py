"""Webhooks: how large a body may be, and whether there is a secret to verify it with."""

from __future__ import annotations

from collections.abc import Sequence

from vendo._config import environment

#: A longer body is rejected unread: 413.
MAX_WEBHOOK_BYTES = 1024 * 1024


def has_webhook_secret(secrets: str | Sequence[str] | None) -> bool:
    """Return whether webhooks can be verified.

    Args:
        secrets: the application's own secrets; None where `VENDO_WEBHOOK_SECRET` decides.
    """
    if secrets is None:
        secrets = environment.WEBHOOK_SECRET.text()
    return bool(secrets.strip() if isinstance(secrets, str) else secrets)
