from __future__ import annotations

import hashlib
import hmac
import json

import pytest

from vendo.testing import LocalVendo


def expected(server: LocalVendo, timestamp: str, body: bytes) -> str:
    text = timestamp.encode() + b"." + body
    return hmac.new(server.webhook_secret.encode(), text, hashlib.sha256).hexdigest()


def test_event_is_completed_and_signed(server: LocalVendo) -> None:
    headers, body = server.sign_webhook({"type": "connection.connected", "data": {"slug": "gmail"}})
    event = json.loads(body)
    assert set(event) == {"id", "type", "occurred_at", "data"}
    assert (event["type"], event["data"]) == ("connection.connected", {"slug": "gmail"})
    assert headers["Vendo-Signature"] == expected(server, headers["Vendo-Timestamp"], body)
    assert headers["Vendo-Timestamp"].isdigit()


def test_events_have_different_ids(server: LocalVendo) -> None:
    first, second = (json.loads(server.sign_webhook({})[1])["id"] for _ in range(2))
    assert first != second


@pytest.mark.parametrize(
    ("at", "timestamp"), [(1_790_000_000, "1790000000"), ("2026-09-21T14:13:20Z",) * 2]
)
def test_raw_body_is_signed_at_given_time(
    server: LocalVendo, at: float | str, timestamp: str
) -> None:
    headers, body = server.sign_webhook(b"not json", at=at)
    assert (headers["Vendo-Timestamp"], body) == (timestamp, b"not json")
    assert headers["Vendo-Signature"] == expected(server, timestamp, body)


def test_default_time_is_the_servers(server: LocalVendo) -> None:
    now = int(server.sign_webhook({})[0]["Vendo-Timestamp"])
    server.set_clock_offset(10_000)
    assert int(server.sign_webhook({})[0]["Vendo-Timestamp"]) >= now + 10_000
