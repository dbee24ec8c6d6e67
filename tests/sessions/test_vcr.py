"""VCR.py records and plays what a session sends and gets, and its cassettes contain no token."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import vcr  # type: ignore[import-untyped]
import yaml
from vcr.errors import CannotOverwriteExistingCassetteException  # type: ignore[import-untyped]

import vendo
from sessions.libraries import WAYS

if TYPE_CHECKING:
    from pathlib import Path

    from sessions.foreign import Foreign
    from vendo.testing import LocalVendo

TOKEN = "canary-recorded"
#: A token in `Authorization`, basic, and in a header of the provider's own.
SLUGS = ["gmail", "mailchimp", "anthropic"]


@pytest.fixture(params=["session", "auth", "aiohttp", "httpx2", "httpx"])
def library(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def get(library: str, slug: str, url: str) -> int:
    """Send one request of a new client, and return its status."""
    return WAYS[library](slug, url, {}, ()).status


@pytest.mark.parametrize("slug", SLUGS)
def test_cassette_is_recorded_and_played_without_a_server(
    library: str,
    slug: str,
    foreign: Foreign,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", foreign.url)
    cassette = tmp_path / "cassette.yaml"
    recorder = vcr.VCR(filter_headers=["Authorization"] if "httpx" in library else [])

    with recorder.use_cassette(str(cassette), record_mode="once"):
        assert get(library, slug, f"{foreign.url}/x") == 200
    assert len(foreign.seen) == 1
    with recorder.use_cassette(str(cassette), record_mode="none") as played:
        assert get(library, slug, f"{foreign.url}/x") == 200
        assert played.all_played

    assert len(foreign.seen) == 1
    recorded = cassette.read_text()
    assert TOKEN not in recorded
    assert "!!python" not in recorded
    [interaction] = yaml.safe_load(recorded)["interactions"]
    assert interaction["request"]["uri"] == f"{foreign.url}/x"


@pytest.mark.parametrize("slug", SLUGS)
def test_header_of_the_token_is_masked_in_a_cassette(
    slug: str, foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", foreign.url)
    cassette = tmp_path / "cassette.yaml"

    with vcr.use_cassette(str(cassette)):
        get("session", slug, f"{foreign.url}/x")

    [interaction] = yaml.safe_load(cassette.read_text())["interactions"]
    headers = interaction["request"]["headers"]
    assert headers["x-api-key" if slug == "anthropic" else "Authorization"] == ["***"]


def test_cassette_of_a_relative_url_names_the_whole_one(
    foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", TOKEN)
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    monkeypatch.setenv("GMAIL_BASE_URL", foreign.url)
    cassette = tmp_path / "cassette.yaml"

    async def main() -> None:
        async with (
            vendo.AsyncVendo() as client,
            await client.session("gmail") as session,
            session.get("x", params={"a": "b"}) as response,
        ):
            assert response.status == 200

    for _ in range(2):
        with vcr.use_cassette(str(cassette)):
            asyncio.run(main())

    assert [seen.path for seen in foreign.seen] == ["/x?a=b"]
    [interaction] = yaml.safe_load(cassette.read_text())["interactions"]
    assert interaction["request"]["uri"] == f"{foreign.url}/x?a=b"


@pytest.mark.parametrize("slug", SLUGS[:1] + SLUGS[2:])
def test_renewal_in_vendo_mode_is_recorded_and_played(
    slug: str, server: LocalVendo, tmp_path: Path
) -> None:
    cassette = tmp_path / "cassette.yaml"
    statuses = []

    for mode in ("once", "none"):
        with (
            vcr.use_cassette(str(cassette), record_mode=mode),
            vendo.Vendo() as client,
            client.session(slug) as session,
        ):
            session.get("x")
            server.expire(slug)
            response = session.get("y")
            statuses.append([step.status_code for step in (*response.history, response)])
        seen = server.count("provider")

    assert statuses == [[401, 200], [401, 200]]
    assert seen == 3
    recorded = yaml.safe_load(cassette.read_text())["interactions"]
    requests = [one["request"] for one in recorded if one["request"]["uri"][-2:] in {"/x", "/y"}]
    header = "x-api-key" if slug == "anthropic" else "Authorization"
    assert [request["headers"][header] for request in requests] == [["***"]] * 3


@pytest.mark.parametrize("slug", SLUGS)
def test_unrecorded_request_reaches_no_server(
    library: str, slug: str, foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", foreign.url)

    with (
        vcr.use_cassette(str(tmp_path / "none.yaml"), record_mode="none"),
        pytest.raises(CannotOverwriteExistingCassetteException),
    ):
        get(library, slug, f"{foreign.url}/x")

    assert not foreign.seen


#: In a new process: all that the library imports at its first request, it imports in a cassette.
FIRST_IN_A_CASSETTE = """
import asyncio, os, sys, vcr
library, slug, cassette = sys.argv[1:]
import vendo

def session():
    return vendo.session(slug)

async def with_aiohttp():
    async with await vendo.aio.session(slug) as session:
        async with session.get("x") as response:
            return response.status
    await vendo.aio.aclose()

def get():
    if library == "aiohttp":
        import vendo.aio
        return asyncio.run(with_aiohttp())
    return session().get("x").status_code

with vcr.use_cassette(cassette, record_mode="once"):
    assert get() == 200
written = open(cassette).read()
for _ in range(3):
    assert get() == 200
assert open(cassette).read() == written
"""


@pytest.mark.parametrize(
    ("library", "slug"), [("requests", "gmail"), ("requests", "telegram"), ("aiohttp", "gmail")]
)
def test_what_was_imported_in_a_cassette_does_no_harm_after_it(
    library: str, slug: str, foreign: Foreign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", foreign.url)
    monkeypatch.delenv("VENDO_API_KEY", raising=False)
    run: dict[str, Any] = {"capture_output": True, "text": True, "timeout": 60}
    arguments = [library, slug, str(tmp_path / "cassette.yaml")]

    done = subprocess.run(
        [sys.executable, "-c", FIRST_IN_A_CASSETTE, *arguments], env=dict(os.environ), **run
    )

    assert done.returncode == 0, done.stderr
    assert len(foreign.seen) == 4
