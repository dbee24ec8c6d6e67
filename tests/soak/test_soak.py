"""The soak in its short form, and that it detects what it looks for."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
import threading
import warnings
from typing import TYPE_CHECKING

import pytest

import vendo
from soak.findings import Findings
from soak.leaks import look_for_rest
from soak.world import API_KEY, World
from support.long_runs import TESTS, report_of
from vendo._tokens.cache import shared
from vendo._transports import async_driver

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def findings() -> Iterator[Findings]:
    with Findings() as findings:
        yield findings


@pytest.fixture
def world(findings: Findings) -> Iterator[World]:
    world = World(7, findings)
    with world.opened():
        yield world


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_short_soak_finds_nothing_wrong(seed: int) -> None:
    report = report_of("soak", seconds=9, seed=seed, options=("--warm-up", "5"))

    assert f"seed {seed}" in report


def test_another_users_token_is_detected(world: World, findings: Findings) -> None:
    with world.server.client() as client:
        for jwt in world.jwts:
            token = (client if jwt is None else client.for_user(jwt)).token("gmail")
            world.check_token(token, "gmail", jwt)
            assert not findings.wrong
        world.check_token(client.token("gmail"), "gmail", world.jwts[1])
    assert list(findings.wrong) == ["A token for gmail is another user's"]


def test_request_of_another_user_or_with_half_a_body_is_detected(
    world: World, findings: Findings
) -> None:
    with world.server.client() as client, client.session("gmail") as session:
        content = session.post(f"{world.server.provider_url('gmail')}/x", data=b"whole").content
    assert world.check_response(200, content, b"whole", None, "It")
    assert not findings.wrong
    world.check_response(200, content, b"whole and more", world.jwts[1], "It")
    assert len(findings.wrong) == 2


def test_undocumented_error_is_detected(world: World, findings: Findings) -> None:
    def attempt(error: Exception) -> None:
        with world.attempt("token"):
            raise error

    attempt(vendo.NotConnected("binding_missing", "It is missing."))
    assert not findings.wrong
    attempt(KeyError("gmail"))
    attempt(TimeoutError())  # an HTTP library's error in a call that uses none
    assert [text.partition(":")[0] for text in findings.wrong] == [
        "token raised KeyError",
        "token raised TimeoutError",
    ]


def test_secret_is_detected_in_logs_and_errors(findings: Findings) -> None:
    logging.getLogger("some.library").debug("%s is the key", API_KEY)
    findings.look_into("said", vendo.AuthError("app_unknown", f"Not {API_KEY}."))
    hidden = vendo.AuthError("app_unknown", "It is unknown.")
    hidden.__context__ = ValueError(API_KEY)
    hidden.__suppress_context__ = True
    findings.look_into("hidden", hidden)
    wrong = "\n".join(findings.wrong)
    for where in ("the log of some.library", "said, AuthError", "hidden, AuthError"):
        assert f"A secret shows in {where}" in wrong
    assert "canary" not in wrong.lower()


def test_lost_error_is_detected(findings: Findings) -> None:
    thread = threading.Thread(target=lambda: next(iter(())), name="unlucky")
    thread.start()
    thread.join()
    warnings.warn("a socket was left open", ResourceWarning, stacklevel=1)

    class Stubborn:
        def __del__(self) -> None:
            raise OSError

    Stubborn()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(findings.loop_complained)
        loop.call_soon(dict[str, str]().__getitem__, "nothing")
        await asyncio.sleep(0)

    asyncio.run(main())
    kinds = ["StopIteration", "ResourceWarning", "OSError", "KeyError"]
    assert [kind for kind, text in zip(kinds, findings.wrong, strict=True) if kind in text] == kinds


LEAKING = """
import sys, threading, tracemalloc
from soak.findings import Findings
from soak.leaks import compare, held

tracemalloc.start()
with Findings() as findings:
    before = held()
    compare(before, held(), findings)
    assert not findings.wrong
    end = threading.Event()
    thread = threading.Thread(target=end.wait, name="forgotten")
    thread.start()
    with open("conftest.py"):
        kept = bytearray(5_000_000)
        compare(before, held(), findings)
    end.set()
    thread.join()
print(*findings.wrong)
"""


def test_leak_is_detected() -> None:
    # In a separate process: leftovers of other tests may disappear while this one counts.
    done = subprocess.run(
        [sys.executable, "-c", LEAKING], cwd=TESTS, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    assert [what for what in ("threads", "descriptors", "Memory") if what not in done.stdout] == []
    assert "forgotten" in done.stdout


def test_unfinished_fetch_is_detected(findings: Findings) -> None:
    async_driver._drop_ended_loops()
    shared.clear()
    look_for_rest(findings)
    assert not findings.wrong
    shared.claim(("https://credentials.example", "key", None, "gmail"))
    look_for_rest(findings)
    shared.clear()
    assert list(findings.wrong) == ["a fetch of a token is still under way at the end"]
