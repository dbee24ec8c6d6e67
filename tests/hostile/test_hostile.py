"""The fuzzer for a minute, and that it detects what it looks for."""

from __future__ import annotations

import json
import os
from random import Random
from typing import TYPE_CHECKING

import pytest

import vendo
from hostile.checks import Checks
from hostile.kinds import AFTER, PIECES, Draw, script_of
from hostile.stamps import EXTRA, GENUINE, Asked, asked, is_for, stamp
from soak.findings import Findings
from support.long_runs import report_of

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.mark.slow
def test_hostile_server_mixes_nothing_up() -> None:
    seed = int.from_bytes(os.urandom(3), "big")
    report = report_of("hostile", seconds=60, seed=seed)

    assert "kinds that were not sent: none" in report


@pytest.fixture
def findings() -> Iterator[Findings]:
    with Findings() as findings:
        yield findings


@pytest.fixture
def checks(findings: Findings) -> Checks:
    return Checks(findings, "blocking")


def test_token_of_another_request_is_detected(checks: Checks, findings: Findings) -> None:
    def check(slug: str, user: str, key: str, role: str) -> None:
        checks.token(f"canary.{stamp(slug, user, key, role)}", "gmail", "user1", "01")

    check("gmail", "user1", "01", GENUINE)
    assert not findings.wrong
    check("slack", "user1", "01", GENUINE)
    check("gmail", "user2", "01", GENUINE)
    check("gmail", "user1", "02", GENUINE)
    check("gmail", "user1", "01", EXTRA)
    assert sum(findings.wrong.values()) == 4


def test_wrong_errors_are_detected(checks: Checks, findings: Findings) -> None:
    def attempt(error: Exception) -> None:
        with checks.attempt("token"):
            raise error

    attempt(vendo.UpstreamError("upstream_error", "It failed."))
    attempt(vendo.VendoError("unknown", "It was not modified.", status=304))
    assert not findings.wrong
    attempt(vendo.AuthError("app_revoked", "It was cut off."))
    attempt(vendo.VendoError("unknown", "It goes on.", status=103))
    attempt(KeyError("access_token"))
    attempt(vendo.UpstreamError("upstream_error", "canary.gmail|user1"))
    assert len(findings.wrong) >= 4


def test_slow_call_is_detected(checks: Checks, findings: Findings) -> None:
    with checks.attempt("token", seconds=-2.5):
        pass
    checks.stall = 1.0
    checks.report_overdue()
    assert not findings.wrong
    checks.stall = 0.5
    checks.report_overdue()
    assert len(findings.wrong) == 1


def test_responses_name_their_request() -> None:
    head = (
        "GET /_bulk?slugs=gmail,slack HTTP/1.1\r\nHost: a\r\n"
        "Authorization: Bearer vendo_sk_canary01\r\nX-Vendo-User-JWT: user1.canary.jwt"
    )
    request = asked(head)
    assert request == Asked("tokens", ("gmail", "slack"), "user1", "01")
    assert b"slack|user1|01|extra|" in request.content(EXTRA)
    assert is_for(stamp("slack", "user1", "01", GENUINE), "slack", "user1", "01")


@pytest.mark.parametrize("kind", ["token", "tokens", "connections", "usage"])
def test_no_cut_response_is_whole_by_accident(kind: str) -> None:
    content = Asked(kind, ("gmail",), "user1", "01").content(GENUINE)
    json.loads(content)
    for end in range(len(content)):
        with pytest.raises(ValueError):
            json.loads(content[:end])


def test_what_is_extra_comes_with_the_end_of_the_response() -> None:
    """A client cannot tell an extra response that comes after it has written its next request."""
    request = Asked("usage", ("gmail",), "user1", "01")
    count = 0
    for seed in range(20_000):
        genuine, extra = request.content(GENUINE), request.content(EXTRA)
        script = script_of(Draw(Random(seed), request, genuine, extra))
        if {"length", PIECES} < {*script.names} and AFTER.keys() & {*script.names}:
            count += 1
            before = b"".join(text for text, _ in script.pieces[:-1])
            assert genuine not in before, seed
    assert count > 100
