"""Bodies of webhooks, valid and hostile."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.webhooks import BODY, EVENT, NOW, SECRET, signature, signed, verify_error
from vendo import ValidationError, WebhookEvent, WebhooksAPI


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))


@pytest.fixture
def webhooks() -> WebhooksAPI:
    return WebhooksAPI(SECRET)


class TestBody:
    @pytest.mark.parametrize(
        "body", [BODY, bytearray(BODY), memoryview(BODY), memoryview(BODY * 2)[: len(BODY)]]
    )
    def test_bytes_of_each_kind(self, body: object, webhooks: WebhooksAPI) -> None:
        assert webhooks.verify(signed(), body).id == "evt_1"

    def test_text_is_verified_as_utf8(self, webhooks: WebhooksAPI) -> None:
        text = json.dumps(
            {**EVENT, "data": {"note": "na\u00efve \u2615 \u2028"}}, ensure_ascii=False
        )

        event = webhooks.verify(signed(text.encode()), text)
        assert event.data == {"note": "na\u00efve \u2615 \u2028"}

    @pytest.mark.parametrize("body", [None, EVENT, 5, [BODY], object()])
    def test_body_that_is_not_raw_is_an_error(self, body: object, webhooks: WebhooksAPI) -> None:
        text = verify_error(webhooks, signed(), body)

        assert f"of type {type(body).__name__}" in text
        assert "raw body" in text

    def test_body_without_bytes_is_an_error(self, webhooks: WebhooksAPI) -> None:
        released = memoryview(BODY)
        released.release()

        assert "was released" in verify_error(webhooks, signed(), released)
        assert "was released" in verify_error(webhooks, signed(), "\ud800")

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not json {",
            b"\xff\xfe",
            b"\xef\xbb\xbf" + BODY,
            BODY.decode().encode("utf-16"),
            BODY.decode().encode("utf-32"),
            BODY[:-1],
            BODY + BODY,
            b"[1, 2]",
            b"null",
            b"1",
            b'"text"',
            b"9" * 5000,
            pytest.param(b"[" * 100_000, id="deep list"),
            pytest.param(b'{"a":' * 100_000, id="deep object"),
            pytest.param(b"[" * 100_000 + b"]" * 100_000, id="deep list, closed"),
        ],
        ids=lambda body: repr(body[:12]),
    )
    def test_body_that_is_not_a_json_object_is_an_error_even_if_signed(
        self, body: bytes, webhooks: WebhooksAPI
    ) -> None:
        assert "is not a JSON object" in verify_error(webhooks, signed(body), body)

    @pytest.mark.parametrize(
        ("change", "problem"),
        [
            ({"id": None}, "has no id"),
            ({"id": ""}, "has no id"),
            ({"id": 1}, "has no id"),
            ({"type": None}, "has no type"),
            ({"type": ["x"]}, "has no type"),
            ({"occurred_at": 1}, "occurred_at that is not a text"),
            ({"data": [1]}, "data that is not an object"),
            ({"data": "x"}, "data that is not an object"),
        ],
    )
    def test_a_field_of_the_wrong_kind_is_named(
        self, change: dict[str, Any], problem: str, webhooks: WebhooksAPI
    ) -> None:
        body = json.dumps({**EVENT, **change}).encode()

        assert problem in verify_error(webhooks, signed(body), body)

    def test_time_and_data_are_optional_and_other_fields_allowed(
        self, webhooks: WebhooksAPI
    ) -> None:
        body = b'{"id": "evt_1", "type": "t", "new": 1}'

        assert webhooks.verify(signed(body), body) == WebhookEvent("evt_1", "t", None, {})


_HEADER_VALUES = (
    st.none()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.sampled_from([signature(), str(NOW)])
)
_HEADERS = (
    st.none()
    | st.integers()
    | st.text()
    | st.binary()
    | st.dictionaries(
        st.sampled_from(["Vendo-Signature", "vendo-timestamp", "VENDO-TIMESTAMP", ""])
        | st.text()
        | st.binary()
        | st.integers(),
        _HEADER_VALUES | st.lists(_HEADER_VALUES, max_size=3),
    )
    | st.lists(st.tuples(st.text(), _HEADER_VALUES) | _HEADER_VALUES, max_size=4)
)


@given(_HEADERS, st.none() | st.text() | st.binary() | st.lists(st.integers()))
def test_any_unsigned_webhook_is_one_validation_error(headers: object, body: object) -> None:
    with pytest.raises(ValidationError):
        WebhooksAPI(SECRET).verify(headers, body)


@given(
    st.text(),
    st.binary()
    | st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(list(EVENT)), inner),
    ).map(lambda value: json.dumps(value).encode()),
)
def test_any_signed_webhook_is_an_event_or_one_validation_error(
    timestamp: str, body: bytes
) -> None:
    for stamp in {str(NOW), timestamp.encode("utf-8", "replace").decode()}:
        try:
            event = WebhooksAPI(SECRET).verify(signed(body, stamp), body)
        except ValidationError:
            continue
        assert (event.id, event.type) == (json.loads(body)["id"], json.loads(body)["type"])


@given(st.text(alphabet="0123456789abcdef", min_size=64, max_size=64))
def test_guessed_signature_is_invalid(guess: str) -> None:
    with pytest.raises(ValidationError):
        WebhooksAPI(SECRET).verify({**signed(), "Vendo-Signature": guess}, BODY + b" ")
