"""Figures against what does a part of the same job: google-auth, azure-identity and decouple.

Each has its credential in memory, valid for an hour. No side sends a request.
"""

from __future__ import annotations

import json
import os
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING

import decouple
import google.auth.transport.requests
import google.oauth2.credentials
from azure.identity import ManagedIdentityCredential

import vendo
from benchmarks.harness import Figure, ratio, running_service

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

KEY = "vendo_sk_" + "k" * 32
_HOUR = timedelta(hours=1)


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    os.environ["OPENAI_API_KEY"] = "sk-benchmark"
    os.environ.pop("VENDO_API_KEY", None)
    yield Figure(
        "`token()` in OSS mode, beside decouple",
        '`decouple.config("OPENAI_API_KEY")`',
        ratio(lambda: vendo.token("openai"), lambda: decouple.config("OPENAI_API_KEY")),
        3,
    )
    with running_service() as address, vendo.Vendo(KEY, credentials_url=address.url) as client:
        client.token("gmail")
        yield Figure(
            "`token()` cached in Vendo mode, beside google-auth",
            "google-auth: `credentials.before_request(…)`",
            ratio(lambda: client.token("gmail"), _google()),
            1,
        )
        with _azure() as get_token:
            yield Figure(
                "`token()` cached in Vendo mode, beside azure-identity",
                "azure-identity: `credential.get_token(…)`",
                ratio(lambda: client.token("gmail"), get_token),
                1,
            )


def _google() -> Callable[[], None]:
    """Return a call that puts a token that google-auth has onto a request's headers."""
    # google-auth compares naive moments of UTC.
    expiry = (datetime.now(UTC) + _HOUR).replace(tzinfo=None)
    credentials = google.oauth2.credentials.Credentials("t" * 64, expiry=expiry)  # type: ignore[no-untyped-call]
    request = google.auth.transport.requests.Request()
    url = "https://gmail.googleapis.com/gmail/v1/users/me/profile"
    return lambda: credentials.before_request(request, "GET", url, {})  # type: ignore[no-untyped-call]


class _Identity(BaseHTTPRequestHandler):
    """The endpoint of a managed identity, as Azure's own hosts have it."""

    def do_GET(self) -> None:
        expires = int((datetime.now(UTC) + _HOUR).timestamp())
        body = json.dumps(
            {"access_token": "t" * 64, "expires_on": expires, "token_type": "Bearer"}
        ).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@contextmanager
def _azure() -> Iterator[Callable[[], object]]:
    """Yield a call that returns a token that azure-identity has."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Identity) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        os.environ["IDENTITY_ENDPOINT"] = f"http://127.0.0.1:{server.server_port}/token"
        os.environ["IDENTITY_HEADER"] = "benchmark"
        scope = "https://management.example.com/.default"
        with ManagedIdentityCredential() as credential:
            credential.get_token(scope)  # fetches
            yield lambda: credential.get_token(scope)
        del os.environ["IDENTITY_ENDPOINT"], os.environ["IDENTITY_HEADER"]
        server.shutdown()
