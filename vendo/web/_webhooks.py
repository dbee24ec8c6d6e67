"""Webhooks: how large a body may be, their verification, and where replays are remembered."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Sequence
from typing import NamedTuple

import vendo
from vendo._config import environment
from vendo._protocol.headers import RequestHeaders
from vendo.web._exceptions import NoWebhookSecret

#: A longer body is rejected unread: 413.
MAX_WEBHOOK_BYTES = 1024 * 1024


class VerifiedWebhook(NamedTuple):
    """A webhook with a good signature.

    Attributes:
        event: the event.
        replay_key: what stands for it in a replay store. Applications with different secrets can
            share a store: each handles an event that both get.
    """

    event: vendo.WebhookEvent
    replay_key: str


def verified_webhook(
    secrets: Callable[[], str | Sequence[str] | None], headers: object, body: bytes
) -> VerifiedWebhook:
    """Verify a webhook.

    Args:
        secrets: returns the application's own secrets; None where `VENDO_WEBHOOK_SECRET` decides.
        headers: the request's headers, as for `WebhooksAPI.verify`.
        body: the raw body.

    Raises:
        NoWebhookSecret: no secret is set, or one is malformed.
        ValidationError: the webhook is not genuine, too old or malformed.
    """
    from vendo._client.webhooks import required
    from vendo._protocol.webhook import SIGNATURE_HEADER

    # The same response with and without a secret.
    required(RequestHeaders(headers), SIGNATURE_HEADER)
    try:
        webhooks = vendo.WebhooksAPI(secrets())
        webhooks._keys()
    except vendo.ValidationError as error:
        raise NoWebhookSecret(*error.args) from None
    event, key = webhooks._verified(headers, body)
    name = hmac.digest(key, event.id.encode("utf-8", "replace"), "sha256").hex()
    return VerifiedWebhook(event, f"vendo.webhook.{name}")


def has_webhook_secret(secrets: str | Sequence[str] | None) -> bool:
    """Return whether webhooks can be verified.

    Args:
        secrets: the application's own secrets; None where `VENDO_WEBHOOK_SECRET` decides.
    """
    if secrets is None:
        secrets = environment.WEBHOOK_SECRET.text()
    return bool(secrets.strip() if isinstance(secrets, str) else secrets)


def redis_url(given: str | None) -> str | None:
    """Return the URL of the application's Redis: its own, or `VENDO_REDIS_URL`."""
    return given if given and given.strip() else environment.REDIS_URL.secret()


def redis_source(given: str | None, label: str) -> str:
    """Return where `redis_url` has the URL from: the option of this label, or the variable."""
    return label if given and given.strip() else environment.REDIS_URL.source().name
