"""A webhook gives an event, or exactly one ValidationError."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest

from support.vectors import rows
from support.webhooks import BODY, EVENT, NOW, SECRET, signature, signed, verify_error
from vendo import ValidationError, Vendo, WebhookEvent, WebhooksAPI
from vendo.testing import LocalVendo


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))


@pytest.fixture
def webhooks() -> WebhooksAPI:
    return WebhooksAPI(SECRET)


@pytest.mark.parametrize("row", rows("webhooks.json"), ids=lambda row: row["name"])
@pytest.mark.parametrize("as_bytes", [True, False])
def test_vector(row: dict[str, Any], as_bytes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: row["now"])
    webhooks = WebhooksAPI(row["secret"])
    body = row["body"].encode() if as_bytes else row["body"]
    expected = dict(row["expect"])

    if expected.pop("ok"):
        event = webhooks.verify(row["headers"], body, max_age_sec=row["max_age_sec"])
        assert {name: getattr(event, name) for name in expected} == expected
    else:
        with pytest.raises(ValidationError):
            webhooks.verify(row["headers"], body, max_age_sec=row["max_age_sec"])


def test_an_event_has_id_type_time_and_data(webhooks: WebhooksAPI) -> None:
    event = webhooks.verify(signed(), BODY)

    assert event == WebhookEvent("evt_1", EVENT["type"], EVENT["occurred_at"], EVENT["data"])
    assert event.slug == "gmail"


class TestSignature:
    @pytest.mark.parametrize(
        "sent",
        [
            signature().upper(),
            signature()[:-1],
            signature() + "0",
            signature() * 2,
            f"{signature()},{signature()}",
            f"sha256={signature()}",
            f"v1,{signature()}",
            f" {signature()}",
            f"{signature()}\n",
            "\u00e9" * 64,
            "\u0661" * 64,
            "\uff41" * 64,
            "\ud800" * 64,
            "\0" * 64,
            "0x" + signature()[2:],
            "g" * 64,
            "x",
        ],
    )
    def test_only_64_lower_case_hexadecimal_digits_are_accepted(
        self, sent: str, webhooks: WebhooksAPI
    ) -> None:
        assert "64 lower-case hex" in verify_error(webhooks, {**signed(), "Vendo-Signature": sent})

    @pytest.mark.parametrize("at", [0, 31, 63])
    def test_each_digit_counts(self, at: int, webhooks: WebhooksAPI) -> None:
        good = signature()
        wrong = good[:at] + ("0" if good[at] != "0" else "1") + good[at + 1 :]

        assert "does not match" in verify_error(webhooks, {**signed(), "Vendo-Signature": wrong})

    @pytest.mark.parametrize("headers", [{}, {"Vendo-Signature": ""}, {"Vendo-Signature": []}])
    def test_a_missing_or_empty_one_is_named(
        self, headers: dict[str, str], webhooks: WebhooksAPI
    ) -> None:
        sent = {"Vendo-Timestamp": str(NOW), **headers}

        assert "no Vendo-Signature header" in verify_error(webhooks, sent)

    def test_it_covers_the_time(self, webhooks: WebhooksAPI) -> None:
        verify_error(webhooks, {**signed(), "Vendo-Timestamp": str(NOW + 1)})

    def test_it_covers_each_byte_of_the_body(self, webhooks: WebhooksAPI) -> None:
        verify_error(webhooks, signed(), BODY + b" ")
        verify_error(webhooks, signed(), json.dumps(json.loads(BODY), separators=(",", ":")))

    def test_it_is_verified_before_anything_is_parsed(self, webhooks: WebhooksAPI) -> None:
        forged = {**signed(), "Vendo-Signature": "0" * 64}

        assert "does not match" in verify_error(webhooks, forged, b"[" * 100_000)


class TestDuplicateHeaders:
    def test_two_different_signatures_are_an_error_in_either_order(
        self, webhooks: WebhooksAPI
    ) -> None:
        good, bad = ("Vendo-Signature", signature()), ("vendo-signature", "0" * 64)
        stamp = ("Vendo-Timestamp", str(NOW))

        for pairs in ([good, bad, stamp], [bad, good, stamp]):
            assert "different values" in verify_error(webhooks, pairs)
            assert "different values" in verify_error(webhooks, dict(pairs))

    def test_two_different_times_are_an_error(self, webhooks: WebhooksAPI) -> None:
        pairs = [*signed().items(), ("VENDO-TIMESTAMP", str(NOW - 1))]

        assert "different values" in verify_error(webhooks, pairs)

    def test_two_equal_headers_are_accepted(self, webhooks: WebhooksAPI) -> None:
        assert webhooks.verify([*signed().items()] * 2, BODY).id == "evt_1"

    def test_values_may_be_lists(self, webhooks: WebhooksAPI) -> None:
        headers = {name: [value] for name, value in signed().items()}
        assert webhooks.verify(headers, BODY).id == "evt_1"

        headers["Vendo-Signature"].append("0" * 64)
        assert "different values" in verify_error(webhooks, headers)


class TestTime:
    @pytest.mark.parametrize(
        "timestamp",
        [
            "nan",
            "inf",
            "-inf",
            "1" * 400,
            "1" * 5000,
            f"-{NOW}",
            f"+{NOW}",
            f" {NOW}",
            f"{NOW} ",
            f"{NOW}\n",
            "1_790_000_000",
            f"{NOW}.0",
            f"{NOW}.5",
            f"{NOW}e0",
            "1.79e9",
            hex(NOW),
            "".join(chr(0x660 + int(digit)) for digit in str(NOW)),
            "".join(chr(0xFF10 + int(digit)) for digit in str(NOW)),
            "\u00b2",
            "soon",
            "2026-09-21",
            "2026-13-21T14:13:20Z",
            "2026-09-21T14:13:20+99:00",
            "0000-00-00T00:00:00Z",
            "Mon, 21 Sep 2026 14:13:20 GMT",
        ],
    )
    def test_invalid_time_is_an_error_even_if_signed(
        self, timestamp: str, webhooks: WebhooksAPI
    ) -> None:
        assert "not Unix seconds or" in verify_error(webhooks, signed(timestamp=timestamp))

    @pytest.mark.parametrize("timestamp", ["", []])
    def test_a_missing_one_is_named(self, timestamp: object, webhooks: WebhooksAPI) -> None:
        sent = {"Vendo-Signature": signature(), "Vendo-Timestamp": timestamp}

        assert "no Vendo-Timestamp header" in verify_error(webhooks, sent)

    @pytest.mark.parametrize(
        "timestamp",
        [
            "2026-09-21T14:13:20Z",
            "2026-09-21T14:13:20.999Z",
            "2026-09-21T14:13:20.123456789Z",
            "2026-09-21T16:13:20+02:00",
            "2026-09-21t14:13:20z",
            f"00{NOW}",
        ],
    )
    def test_the_forms_of_the_present_second(self, timestamp: str, webhooks: WebhooksAPI) -> None:
        assert webhooks.verify(signed(timestamp=timestamp), BODY, max_age_sec=0).id == "evt_1"

    @pytest.mark.parametrize("fraction", [0.0, 0.999])
    @pytest.mark.parametrize(
        ("age", "good"), [(300, True), (301, False), (-300, True), (-301, False), (0, True)]
    )
    def test_the_windows_edges_to_the_second(
        self, age: int, good: bool, fraction: float, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "time", lambda: NOW + fraction)
        webhooks, headers = WebhooksAPI(SECRET), signed(timestamp=str(NOW - age))

        if good:
            assert webhooks.verify(headers, BODY).id == "evt_1"
        else:
            assert "301 s" in verify_error(webhooks, headers)

    def test_time_of_an_unsigned_webhook_is_not_reported(self, webhooks: WebhooksAPI) -> None:
        forged = {"Vendo-Signature": "0" * 64, "Vendo-Timestamp": "1"}

        assert "does not match" in verify_error(webhooks, forged)

    def test_window_of_the_call_wins_over_that_of_the_object(self) -> None:
        webhooks = WebhooksAPI(SECRET, max_age_sec=10)
        headers = signed(timestamp=str(NOW - 100))

        verify_error(webhooks, headers)
        assert webhooks.verify(headers, BODY, max_age_sec=100).id == "evt_1"

    @pytest.mark.parametrize(
        "seconds", [float("nan"), float("inf"), -1, True, "300", 10**400, [300]]
    )
    def test_invalid_window_is_an_error(self, seconds: Any, webhooks: WebhooksAPI) -> None:
        with pytest.raises(ValidationError, match="max_age_sec= must be a number of seconds"):
            WebhooksAPI(SECRET, max_age_sec=seconds)
        with pytest.raises(ValidationError, match="max_age_sec= must be a number of seconds"):
            webhooks.verify(signed(), BODY, max_age_sec=seconds)


def test_a_webhook_that_the_local_server_signs_is_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    with LocalVendo() as server:
        monkeypatch.setenv("VENDO_WEBHOOK_SECRET", server.webhook_secret)
        headers, body = server.sign_webhook({"type": "connection.changed", "data": {"slug": "x"}})

        assert Vendo().webhooks.verify(headers, body).slug == "x"
        assert server.client().webhooks.verify(headers, body).slug == "x"
        assert not server.requests
