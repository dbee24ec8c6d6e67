"""Webhooks signed by the contract's words, and not with the library's own code."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import pytest

from vendo import ValidationError, WebhooksAPI

SECRET = "whsec_Zm9yLXRlc3Rpbmctb25seQ"
NOW = 1_790_000_000

EVENT: dict[str, Any] = {
    "id": "evt_1",
    "type": "connection.connected",
    "occurred_at": "2026-09-21T12:53:20Z",
    "data": {"slug": "gmail", "connection_id": "cn_1"},
}
BODY = json.dumps(EVENT).encode()


def signature(body: bytes = BODY, timestamp: str = str(NOW), secret: str = SECRET) -> str:
    """What `Vendo-Signature` holds."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def signed(body: bytes = BODY, timestamp: str = str(NOW), secret: str = SECRET) -> dict[str, str]:
    """The two headers of a webhook."""
    return {
        "Vendo-Signature": signature(body, timestamp, secret),
        "Vendo-Timestamp": timestamp,
    }


def refusal(webhooks: WebhooksAPI, headers: object, body: object = BODY) -> str:
    """The text of the one error, after a look at all that hangs on it."""
    with pytest.raises(ValidationError) as caught:
        webhooks.verify(headers, body)
    error = caught.value
    assert error.code == "validation_failed"
    assert error.__cause__ is None
    assert error.__context__ is None
    text = f"{error} {error!r} {error.__dict__}"
    assert SECRET not in text
    assert signature() not in text
    return str(error)
