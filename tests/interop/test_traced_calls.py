"""Calls to Vendo under tools that patch `http.client`: Sentry and VCR.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
import vcr  # type: ignore[import-untyped]
from vcr.errors import CannotOverwriteExistingCassetteException  # type: ignore[import-untyped]

import vendo
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLUGS = ["gmail", "openai", "slack"]

#: In a process of its own, because Sentry patches `http.client` for good. Nothing leaves it.
TRACED = """
import asyncio, json, sys
import sentry_sdk
from sentry_sdk.transport import Transport

envelopes = []

class Kept(Transport):
    def capture_envelope(self, envelope):
        envelopes.append(envelope)

sentry_sdk.init(
    "http://key@127.0.0.1:9/1", transport=Kept, traces_sample_rate=1.0,
    auto_enabling_integrations=False,
)

import vendo

def get(slug):
    if sys.argv[1] == "blocking":
        return vendo.token(slug)

    async def main():
        async with vendo.AsyncVendo(transport=sys.argv[1]) as client:
            return await client.token(slug)
    return asyncio.run(main())

traces, spans = [], []
for slug in sys.argv[2:]:
    with sentry_sdk.new_scope(), sentry_sdk.start_transaction(name=slug) as transaction:
        token = get(slug)
        spans += [span.timestamp is not None for span in transaction._span_recorder.spans]
    traces.append(transaction.trace_id)
    assert token not in repr([envelope.serialize() for envelope in envelopes])
json.dump([traces, spans], sys.stdout)
"""


@pytest.fixture
def server(vendo_isolated: None) -> Iterator[LocalVendo]:
    with LocalVendo(SLUGS) as server:
        yield server


def run(server: LocalVendo, program: str, *arguments: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, **server.environment()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("way", ["blocking", "threads", "aiohttp"])
def test_each_call_is_in_its_own_trace_or_none_and_no_span_stays_open(
    server: LocalVendo, way: str
) -> None:
    traces, spans = run(server, TRACED, way, *SLUGS)

    assert len(set(traces)) == 3
    assert all(spans)
    for request, trace in zip(server.requests, traces, strict=True):
        sent = request.headers.get("sentry-trace")
        assert sent is None or sent.startswith(trace)
    if way == "blocking":
        assert spans
        assert all("sentry-trace" in request.headers for request in server.requests)


@pytest.fixture
def vendo_mode(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> LocalVendo:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server


def test_cassette_records_and_plays_calls(vendo_mode: LocalVendo, tmp_path: Path) -> None:
    recorder, cassette = vcr.VCR(filter_headers=["Authorization"]), str(tmp_path / "calls.yaml")
    vendo.token("slack")  # over a connection that is kept
    with recorder.use_cassette(cassette):
        token, rows = vendo.token("gmail"), vendo.connections.list()
    before = len(vendo_mode.requests)
    vendo.invalidate("gmail")
    with recorder.use_cassette(cassette, record_mode="none"):
        assert vendo.token("gmail") == token
        assert vendo.connections.list() == rows
    assert len(vendo_mode.requests) == before


UNFILTERED = """
import asyncio, json, sys
import vcr, yaml

with vcr.use_cassette(sys.argv[2]):
    import vendo

    if sys.argv[1] == "blocking":
        vendo.for_user("canary-jwt").token("gmail")
    else:
        async def main():
            async with vendo.AsyncVendo(transport=sys.argv[1]) as client:
                await client.for_user("canary-jwt").token("gmail")
        asyncio.run(main())
with open(sys.argv[2]) as cassette:
    text = cassette.read()
yaml.safe_load(text)
json.dump(["canary-jwt" in text, "vendo_sk_" in text, "***" in text], sys.stdout)
"""


@pytest.mark.parametrize("way", ["blocking", "threads", "aiohttp"])
def test_cassette_has_a_mask_for_the_key_and_the_jwt(
    server: LocalVendo, tmp_path: Path, way: str
) -> None:
    shown = run(server, UNFILTERED, way, str(tmp_path / "first.yaml"))

    assert shown == [False, False, True]


def test_nothing_reaches_the_server_around_which_a_cassette_forbids_it(
    vendo_mode: LocalVendo, tmp_path: Path
) -> None:
    vendo.token("slack")  # over a connection that is kept
    before = len(vendo_mode.requests)
    with (
        vcr.use_cassette(str(tmp_path / "empty.yaml"), record_mode="none"),
        pytest.raises(CannotOverwriteExistingCassetteException),
    ):
        vendo.token("gmail")
    assert len(vendo_mode.requests) == before
    assert vendo.token("gmail") == vendo_mode.token("gmail")


def test_stream_of_events_that_a_cassette_forbids_is_closed(
    vendo_mode: LocalVendo, tmp_path: Path
) -> None:
    with vcr.use_cassette(str(tmp_path / "empty.yaml"), record_mode="none"):
        stream = vendo.events.subscribe()
        with pytest.raises(CannotOverwriteExistingCassetteException):
            next(stream)
        stream.close()


FIRST = """
import json, sys
import vcr

with vcr.use_cassette(sys.argv[1], filter_headers=["Authorization"]) as cassette:
    import vendo

    tokens = [vendo.token("gmail")]
    recorded = len(cassette)
tokens += [vendo.token("openai"), vendo.token("slack")]
json.dump([tokens, recorded, len(cassette)], sys.stdout)
"""


def test_cassette_around_the_first_call_does_no_harm_after_it(
    server: LocalVendo, tmp_path: Path
) -> None:
    tokens, recorded, at_the_end = run(server, FIRST, str(tmp_path / "first.yaml"))

    assert tokens == [server.token(slug) for slug in SLUGS]
    assert recorded == at_the_end == 1
    assert server.count("credentials") == 3
