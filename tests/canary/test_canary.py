"""Every call against every failure, in a process that learns the secrets from the library alone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from canary import failures, search
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Once is enough: nothing here depends on the version of Python.
pytestmark = pytest.mark.slow

TESTS = Path(__file__).parents[1]
KEY = "vendo_sk_kanarikeykanarikeykanarikeykan01"
JWT = "kanarijwt.kanarijwt.kanarijwt"
#: "xx" has the marker begin at a multiple of 3 in "anystring:xxkanari", which is sent in base64.
TOKENS = {
    slug: f"xxkanari-{slug}-token" for slug in ("gmail", "anthropic", "mailchimp", "telegram")
}


@pytest.fixture(scope="module")
def urls() -> Iterator[dict[str, str]]:
    with failures.servers() as found:
        yield found


@pytest.fixture(scope="module")
def backends() -> Iterator[dict[str, str]]:
    with failures.servers(failures.replies_of_a_backend(KEY, JWT, TOKENS["gmail"])) as found:
        yield found


def run(
    program: str, way: str, mode: str, urls: dict[str, str], environment: Mapping[str, str]
) -> dict[str, str]:
    """Run a program, and return the outcome of each call after nothing was found."""
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-m", f"canary.{program}", way, mode],
        cwd=TESTS,
        env={**os.environ, **environment, "PYTHONPATH": str(TESTS)},
        input=json.dumps(urls),
        capture_output=True,
        text=True,
        timeout=800,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not search.has_marker(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["found"] == []
    outcomes: dict[str, str] = result["outcomes"]
    return outcomes


WAYS = [
    *("requests", "auth", "aiohttp", "httpx", "httpx in a task", "httpx2", "httpx2 in a task"),
    *("httpx over HTTP/2", "httpx in a task over HTTP/2", "httpx2 over HTTP/2"),
]
#: What no call may raise.
BUGS = {"TypeError", "AttributeError", "NameError", "KeyError", "RuntimeError"}


@pytest.mark.parametrize(
    ("way", "mode"),
    [
        *((way, "plain") for way in WAYS),
        *((way, "sentry") for way in ("requests", "aiohttp", "httpx", "httpx in a task")),
        *((way, "vcr") for way in ("requests", "aiohttp", "httpx")),
    ],
)
def test_no_session_shows_a_secret(way: str, mode: str, urls: dict[str, str]) -> None:
    recorded = {f"VENDO_TOKEN_{slug.upper()}": token for slug, token in TOKENS.items()}
    with LocalVendo(
        {slug: {"token": token} for slug, token in TOKENS.items()}, api_key=KEY
    ) as vendo:
        environment = vendo.environment() | (recorded if mode == "vcr" else {})
        outcomes = run("sessions", way, mode, urls, environment)

    assert len(outcomes) >= (24 if "HTTP/2" in way else 100)
    for call, outcome in outcomes.items():
        slug, failure, name = call.split(", ")
        if failure in {"closed", "reset", "cut", "refused", "silent", "500"}:
            assert outcome != "NoneType", call
        if failure == "ok" and name == "get" and (slug, way) != ("telegram", "auth"):
            assert outcome == "NoneType", call
        assert outcome not in BUGS or call.endswith("header of another type"), call


@pytest.mark.parametrize("way", ["blocking", "threads", "aiohttp"])
def test_no_call_of_a_client_shows_a_secret(
    way: str, backends: dict[str, str], tmp_path: Path
) -> None:
    environment = {
        "VENDO_API_KEY": KEY,
        "VENDO_WEBHOOK_SECRET": "whsec_kanarisecret",
        "CANARY_JWT": JWT,
        "CANARY_FILE": str(tmp_path / ".env"),
    }
    outcomes = run("calls", way, "plain", backends, environment)

    assert outcomes["ok, token, app"] == outcomes["ok, token, user"] == "NoneType"
    for call, outcome in outcomes.items():
        failure, name, _ = call.split(", ")
        if failure in {"closed", "reset", "cut", "refused", "silent", "500", "echo"}:
            assert outcome != "NoneType" or name in {"events", "watch", "pickle"}, call
        assert outcome not in BUGS or call.endswith("header of another type"), call
