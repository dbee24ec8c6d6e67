"""Secrets as values: shown masked, written in plain text."""

from __future__ import annotations

import copy
import dataclasses
import logging
import pickle
import pprint
import traceback

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendo._protocol.secret import Secret, SecretBytes, WireSecret

CANARY = "sk-canary-0123456789"
ALL = [
    Secret(CANARY),
    WireSecret(f"Bearer {CANARY}", Secret(CANARY)),
    SecretBytes(CANARY.encode()),
]


@pytest.mark.parametrize("value", ALL, ids=lambda value: type(value).__name__)
def test_secret_is_masked_in_frames(value: object) -> None:
    @dataclasses.dataclass
    class Holder:
        value: object

    shown = [
        repr(value),
        f"{value!r}",
        pprint.pformat({"value": [value]}),
        repr(Holder(value)),
        f"{value!r}",
    ]
    frames = traceback.StackSummary.extract(
        traceback.walk_stack(None), capture_locals=True, limit=1
    )
    shown.append("".join(frames.format()))
    assert not [text for text in shown if CANARY in text]
    assert "***" in shown[0]


@pytest.mark.parametrize("value", ALL, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_of_a_secret_is_empty(value: object, protocol: int) -> None:
    assert CANARY.encode() not in pickle.dumps(value, protocol)
    assert pickle.loads(pickle.dumps(value, protocol)) in {"***", b"***"}


@pytest.mark.parametrize("value", ALL, ids=lambda value: type(value).__name__)
def test_a_copy_of_a_secret_is_masked(value: object) -> None:
    for twin in (copy.copy(value), copy.deepcopy(value)):
        assert twin == value
        assert CANARY not in repr(twin)


def test_a_secret_is_masked_in_text_and_in_log_records(caplog: pytest.LogCaptureFixture) -> None:
    secret = Secret(CANARY)
    logging.getLogger("test").warning("%s %r", secret, [secret])
    assert caplog.messages == ["*** ['***']"]
    assert f"{secret} {secret:>5} {secret[:30]!r} {secret[3:]}" == "***   *** '***' ***"
    assert f"{secret} %s" % secret == "*** ***"
    assert str(secret) == "***"


@given(st.text())
def test_secret_reveals_its_text(text: str) -> None:
    secret = Secret(text)
    assert secret == text
    assert hash(secret) == hash(text)
    assert secret.reveal() == text
    assert type(secret.reveal()) is str
    assert secret.encode("utf-8", "surrogatepass") == text.encode("utf-8", "surrogatepass")


def test_a_header_is_written_in_plain_text() -> None:
    header = WireSecret(f"Bearer {CANARY}", Secret(CANARY))
    assert str(header) == f"{header}" == f"Bearer {CANARY}"
    assert header.secret == CANARY
