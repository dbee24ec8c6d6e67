"""Sentry's default integrations: each request has its own trace, and no token is reported."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from sessions.foreign import Reply

if TYPE_CHECKING:
    from sessions.foreign import Foreign

TOKEN = "canary-reported"

#: In a process of its own, because Sentry patches the libraries for good. Nothing leaves it.
PROGRAM = """
import json, sys
import sentry_sdk
from sentry_sdk.integrations.aiohttp import AioHttpIntegration
from sentry_sdk.integrations.httpx import HttpxIntegration
from sentry_sdk.integrations.httpx2 import Httpx2Integration
from sentry_sdk.transport import Transport

library, slug, url = sys.argv[1:]
envelopes = []

class Kept(Transport):
    def capture_envelope(self, envelope):
        envelopes.append(envelope)

sentry_sdk.init(
    "http://key@127.0.0.1:9/1", transport=Kept, traces_sample_rate=1.0, send_default_pii=True,
    max_value_length=100_000,
    # Those that Sentry enables by itself, without the frameworks, whose imports take seconds.
    auto_enabling_integrations=False,
    integrations=[AioHttpIntegration(), HttpxIntegration(), Httpx2Integration()],
)

import asyncio, importlib, requests, vendo, vendo.aio

def with_session(path):
    with vendo.Vendo(timeout=5) as client, client.session(slug) as session:
        return session.get(path).content

def with_auth(path):
    with vendo.Vendo() as client, requests.Session() as session:
        session.auth = client.auth(slug)
        return session.get(f"{url}/{path}", timeout=5).content

def with_aiohttp(path):
    async def main():
        async with vendo.AsyncVendo(timeout=5) as client, await client.session(slug) as session:
            async with session.get(path) as response:
                return await response.read()
    return asyncio.run(main())

def with_httpx(path):
    with vendo.Vendo() as client:
        with importlib.import_module(library).Client(auth=client.httpx_auth(slug)) as http:
            return http.get(f"{url}/{path}").content

send = {"session": with_session, "auth": with_auth, "aiohttp": with_aiohttp}
send = send.get(library, with_httpx)
traces = []
for _ in range(3):
    with sentry_sdk.new_scope(), sentry_sdk.start_transaction(op="test", name="test") as started:
        sentry_sdk.get_isolation_scope().clear_breadcrumbs()
        traces.append(started.trace_id)
        send("x")
        try:
            send("cut")
        except Exception as error:
            sentry_sdk.capture_exception(error)
        else:
            raise AssertionError("the response was cut off")
sentry_sdk.flush()
items = [item.payload.json for envelope in envelopes for item in envelope.items]
print(json.dumps({"traces": traces, "items": items}, default=repr))
"""


@pytest.mark.parametrize(
    ("library", "slug"),
    [
        *(("session", slug) for slug in ("gmail", "mailchimp", "anthropic", "telegram")),
        *(("aiohttp", slug) for slug in ("gmail", "telegram")),
        *(("httpx2", slug) for slug in ("gmail", "telegram")),
        *((library, "anthropic") for library in ("auth", "aiohttp", "httpx2", "httpx")),
    ],
)
def test_each_request_has_its_own_trace_and_no_token_is_reported(
    library: str, slug: str, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", foreign.url)
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    for before in ("", f"/bot{TOKEN}"):
        cut = Reply(200, {"Content-Length": "99", "Connection": "close"})
        foreign.replies[f"{before}/cut"] = cut

    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, library, slug, foreign.url],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    reported = json.loads(done.stdout)
    sent = [trace_of(seen) for seen in foreign.seen]
    assert sent == [trace for trace in reported["traces"] for _ in range(2)]
    transactions = [item for item in reported["items"] if item.get("type") == "transaction"]
    assert len(transactions) == 3
    for transaction in transactions:
        spans = [span for span in transaction["spans"] if span["op"] == "http.client"]
        assert len(spans) == 2
        assert all(span["timestamp"] for span in spans)
    for secret in (TOKEN, base64.b64encode(f"anystring:{TOKEN}".encode()).decode()):
        assert secret not in frames_left_out(reported, library)


def trace_of(seen: Any) -> str:
    trace: str = seen.headers["sentry-trace"].partition("-")[0]
    return trace


def frames_left_out(reported: Any, library: str) -> str:
    """Return what is reported, but for frames below `auth()` in a session that is not ours."""
    if library == "auth":
        for item in reported["items"]:
            for error in item.get("exception", {}).get("values", []):
                frames = error["stacktrace"]["frames"]
                frames[:] = [one for one in frames if one["module"] != "http.client"]
    return json.dumps(reported)
