"""Sign webhooks as the contract says, without the library's own code."""

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
    """Return the value of `Vendo-Signature`."""
    return hmac.new(secret.encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def signed(body: bytes = BODY, timestamp: str = str(NOW), secret: str = SECRET) -> dict[str, str]:
    """Return the two headers of a webhook."""
    return {
        "Vendo-Signature": signature(body, timestamp, secret),
        "Vendo-Timestamp": timestamp,
    }


def verify_error(webhooks: WebhooksAPI, headers: object, body: object = BODY) -> str:
    """Return the text of the error, and check that it shows no secret."""
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
