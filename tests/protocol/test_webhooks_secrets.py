"""Webhook secrets: which ones are used, and that they are never shown."""

from __future__ import annotations

import asyncio
import copy
import hashlib
import hmac
import os
import pickle
import time
import traceback
from typing import Any

import pytest

import vendo
from support.webhooks import BODY, NOW, SECRET, signature, signed
from vendo import AsyncVendo, ValidationError, Vendo, WebhooksAPI

VARIABLE = "VENDO_WEBHOOK_SECRET"


@pytest.fixture(autouse=True)
def _clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: float(NOW))


@pytest.fixture(autouse=True)
def _no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)


def forged(key: bytes) -> dict[str, str]:
    message = f"{NOW}.".encode() + BODY
    return {
        "Vendo-Signature": hmac.new(key, message, hashlib.sha256).hexdigest(),
        "Vendo-Timestamp": str(NOW),
    }


class TestEnvironment:
    def test_it_is_read_at_each_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        webhooks = WebhooksAPI()
        for secret in ("whsec_first", "whsec_second"):
            monkeypatch.setenv(VARIABLE, f"  {secret}\n")
            assert webhooks.verify(signed(secret=secret), BODY).id == "evt_1"
        with pytest.raises(ValidationError):
            webhooks.verify(signed(secret="whsec_first"), BODY)

    @pytest.mark.parametrize("key", [None, "vendo_sk_" + "k" * 32])
    def test_verifying_works_in_both_modes_without_a_request(
        self, key: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(VARIABLE, SECRET)
        client = Vendo(key, "http://127.0.0.1:9")

        assert client.webhooks.verify(signed(), BODY).id == "evt_1"
        assert vendo.webhooks.verify(signed(), BODY).id == "evt_1"

    def test_async_client_verifies(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, SECRET)

        async def main() -> str:
            async with AsyncVendo("vendo_sk_" + "k" * 32) as client:
                return client.webhooks.verify(signed(), BODY).id

        assert asyncio.run(main()) == "evt_1"

    @pytest.mark.parametrize("value", [None, "", "   ", "\n"])
    def test_without_one_the_error_names_the_variable(
        self, value: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if value is not None:
            monkeypatch.setenv(VARIABLE, value)

        with pytest.raises(ValidationError, match=f"{VARIABLE} is not set.*Fix: Set {VARIABLE}"):
            WebhooksAPI().verify(forged(b""), BODY)

    def test_one_with_a_line_break_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, "whsec_a\nwhsec_b")

        with pytest.raises(ValidationError, match=VARIABLE) as caught:
            WebhooksAPI().verify(signed(), BODY)
        assert "whsec_a" not in str(caught.value)

    def test_one_that_is_not_utf8_is_an_error(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, os.fsdecode(b"whsec_\xff"))

        with pytest.raises(ValidationError, match=VARIABLE) as caught:
            WebhooksAPI().verify(forged(b"whsec_\xff"), BODY)
        assert "whsec_" not in str(caught.value)


class TestGiven:
    def test_a_given_one_wins_over_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv(VARIABLE, "whsec_other")

        assert WebhooksAPI(SECRET).verify(signed(), BODY).id == "evt_1"

    @pytest.mark.parametrize("at", [0, 1, 2])
    def test_any_of_several_is_accepted(self, at: int) -> None:
        secrets = ["whsec_a", "whsec_b"]
        secrets.insert(at, SECRET)

        for several in (secrets, tuple(secrets), set(secrets)):
            assert WebhooksAPI(several).verify(signed(), BODY).id == "evt_1"

    def test_secrets_of_a_generator_are_kept_for_every_call(self) -> None:
        webhooks = WebhooksAPI(secret for secret in ["whsec_a", SECRET])

        assert webhooks.verify(signed(), BODY).id == "evt_1"
        assert webhooks.verify(signed(), BODY).id == "evt_1"

    def test_all_of_several_are_tried_even_after_a_match(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        compared: list[bytes] = []
        compare = hmac.compare_digest

        def counting(one: bytes, other: bytes) -> bool:
            compared.append(one)
            return compare(one, other)

        monkeypatch.setattr(hmac, "compare_digest", counting)
        WebhooksAPI([SECRET, "whsec_b", "whsec_c"]).verify(signed(), BODY)

        assert len(compared) == 3
        assert all(isinstance(one, bytes) for one in compared)

    @pytest.mark.parametrize(
        ("secret", "key"),
        [
            ("", b""),
            ("   ", b""),
            ("   ", b"   "),
            ("\t\n", b""),
            ([], b""),
            ([""], b""),
            ([SECRET, ""], b""),
            (["", SECRET], b""),
            ([SECRET, "  "], b"  "),
            # HMAC pads a short key with zero bytes: these are the empty key again.
            ("\0", b""),
            ("\0" * 64, b""),
            ([SECRET, "\0"], b""),
        ],
    )
    def test_an_empty_secret_is_an_error(self, secret: Any, key: bytes) -> None:
        webhooks = WebhooksAPI(secret)
        for headers in (forged(key), signed()):
            with pytest.raises(ValidationError, match="No webhook can be verified"):
                webhooks.verify(headers, BODY)

    @pytest.mark.parametrize(
        "secret", [b"whsec_x", 5, True, [None], [5], [b"x"], {"name": SECRET}, [["x"]]]
    )
    def test_secret_that_is_not_a_string_is_an_error(self, secret: Any) -> None:
        with pytest.raises(ValidationError, match="a secret is of type"):
            WebhooksAPI(secret).verify(signed(), BODY)

    def test_secret_with_a_surrogate_is_an_error(self) -> None:
        with pytest.raises(ValidationError, match="surrogate pair") as caught:
            WebhooksAPI("whsec_\ud800").verify(signed(), BODY)
        assert caught.value.__context__ is None

    def test_white_space_around_a_secret_is_removed(self) -> None:
        assert WebhooksAPI(f" {SECRET}\n").verify(signed(), BODY).id == "evt_1"


class TestSecrecy:
    def test_not_shown_in_a_repr(self) -> None:
        assert repr(WebhooksAPI(SECRET)) == "<WebhooksAPI with a secret, 300 s>"
        assert repr(WebhooksAPI(max_age_sec=60)) == f"<WebhooksAPI with {VARIABLE}, 60 s>"

    def test_not_in_a_pickle_which_reads_the_environment(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        pickled = pickle.dumps(WebhooksAPI(SECRET, max_age_sec=60))
        assert SECRET.encode() not in pickled
        webhooks = pickle.loads(pickled)

        with pytest.raises(ValidationError, match=f"{VARIABLE} is not set"):
            webhooks.verify(signed(), BODY)
        monkeypatch.setenv(VARIABLE, SECRET)
        assert webhooks.verify(signed(timestamp=str(NOW - 60)), BODY).id == "evt_1"
        with pytest.raises(ValidationError, match="61 s old"):
            webhooks.verify(signed(timestamp=str(NOW - 61)), BODY)

    def test_copy_in_the_same_process_has_the_secret(self) -> None:
        webhooks = WebhooksAPI(SECRET)

        assert copy.copy(webhooks).verify(signed(), BODY).id == "evt_1"
        assert copy.deepcopy({"w": webhooks})["w"].verify(signed(), BODY).id == "evt_1"

    @pytest.mark.parametrize(
        ("headers", "body"),
        [
            ({**signed(), "Vendo-Signature": "0" * 64}, BODY),
            ({**signed(), "Vendo-Signature": "0"}, BODY),
            (signed(timestamp="1"), BODY),
            (signed(b"not json"), b"not json"),
            ({}, BODY),
        ],
    )
    def test_secret_and_body_are_not_in_a_traceback_or_its_frames(
        self, headers: dict[str, str], body: bytes
    ) -> None:
        with pytest.raises(ValidationError) as caught:
            WebhooksAPI(SECRET).verify(headers, body)

        frames = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        text = "".join(
            line
            for frame in frames.stack
            if frame.filename != __file__
            for line in [frame.line or "", *map(str, (frame.locals or {}).items())]
        )
        right = signature(body, headers.get("Vendo-Timestamp", ""))
        assert SECRET not in text
        assert right not in text.replace(headers.get("Vendo-Signature", "-"), "")
        assert bytes.fromhex(right).hex(" ") not in text
