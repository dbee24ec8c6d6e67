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
    """Hold a webhook with a good signature. `verified_webhook` makes it.

    Attributes:
        event: the event.
        replay_key: what stands for it in a replay store. Applications with different secrets can
            share a store: each handles an event that both get.

    Example:
        ```python
        from vendo.testing import LocalVendo
        from vendo.web import VerifiedWebhook, verified_webhook

        server = LocalVendo()
        headers, body = server.sign_webhook({"type": "connection.changed"})
        webhook: VerifiedWebhook = verified_webhook(lambda: server.webhook_secret, headers, body)
        print(webhook.event.type)
        ```
    """

    event: vendo.WebhookEvent
    replay_key: str


def verified_webhook(
    secrets: Callable[[], str | Sequence[str] | None], headers: object, body: bytes
) -> VerifiedWebhook:
    """Verify a webhook. Both modes.

    Args:
        secrets: returns the application's own secrets; None where `VENDO_WEBHOOK_SECRET` decides.
        headers: the request's headers, as for `WebhooksAPI.verify`.
        body: the raw body.

    Returns:
        The event, and its key for a replay store.

    Raises:
        NoWebhookSecret: no secret is set, or one is malformed.
        ValidationError: the webhook is not genuine, too old or malformed.

    Example:
        ```python
        from vendo.testing import LocalVendo
        from vendo.web import ReplayCache, handle_once, verified_webhook

        server, store = LocalVendo(), ReplayCache()
        headers, body = server.sign_webhook({"type": "connection.changed"})
        webhook = verified_webhook(lambda: server.webhook_secret, headers, body)
        handle_once(store, webhook.replay_key, lambda: print(webhook.event.type))
        ```
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
    """Return whether there is a secret to verify webhooks with.

    Args:
        secrets: the application's own secrets; None where `VENDO_WEBHOOK_SECRET` decides.

    Returns:
        False where none is set, or a blank one.

    Example:
        ```python
        from vendo.web import has_webhook_secret

        print(has_webhook_secret(["whsec_1234"]), has_webhook_secret([]))  # True False
        ```
    """
    if secrets is None:
        secrets = environment.WEBHOOK_SECRET.text()
    return bool(secrets.strip() if isinstance(secrets, str) else secrets)


def redis_url(given: str | None) -> str | None:
    """Return the URL of the application's Redis.

    Args:
        given: the URL of the application's own option, or None.

    Returns:
        The given URL, or else that of `VENDO_REDIS_URL`, which is masked; None without either.

    Raises:
        ValidationError: the variable contains a control character.

    Example:
        ```python
        from vendo.web import RedisReplayCache, ReplayCache, redis_source, redis_url

        given = None  # the application's option
        url = redis_url(given)
        source = redis_source(given, "ACME_REDIS_URL")
        store = RedisReplayCache(url, source=source) if url else ReplayCache()
        ```
    """
    return given if given and given.strip() else environment.REDIS_URL.secret()


def redis_source(given: str | None, label: str) -> str:
    """Return where `redis_url` has the URL from, for errors.

    Args:
        given: the URL of the application's own option, or None.
        label: the name of that option.

    Returns:
        The label, or the name of the variable.

    Example:
        ```python
        from vendo.web import redis_source

        print(redis_source(None, "ACME_REDIS_URL"))  # VENDO_REDIS_URL
        print(redis_source("redis://127.0.0.1:6379/0", "ACME_REDIS_URL"))  # ACME_REDIS_URL
        ```
    """
    return label if given and given.strip() else environment.REDIS_URL.source().name
