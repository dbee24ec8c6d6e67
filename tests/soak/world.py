"""The shared parts of a run: the server, the users, the checks."""

from __future__ import annotations

import base64
import io
import json
import os
import ssl
import threading
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx2
import requests
import trustme

import vendo
from soak.ledger import Ledger
from vendo import RetryPolicy
from vendo._tokens.cache import shared
from vendo.testing import LocalVendo
from vendo.testing._state.connections import user_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from soak.findings import Findings

API_KEY = "vendo_sk_canarykeycanarykeycanarykeycan01"
#: Bearer, `x-api-key`, token in the path, basic authentication, and one outside the catalog.
SLUGS = ("gmail", "openai", "slack", "anthropic", "telegram", "mailgun", "soakstuff")
#: Seconds. Short, so that a run has many time-outs, early refreshes and expiries.
TIMEOUT = 2.0
TOKEN_LIFETIME = 6.0
#: Seconds. A call to Vendo that takes longer broke its time-out, even on a busy machine.
LONGEST = 20.0

#: Errors that a session's HTTP library may raise while a provider misbehaves.
OF_LIBRARIES = (requests.RequestException, httpx2.HTTPError, aiohttp.ClientError, TimeoutError)


class World:
    """One server, and the checks of a run with it."""

    def __init__(
        self, seed: int, findings: Findings, users: int = 12, *, tls: bool = False
    ) -> None:
        self.seed = seed
        self.findings = findings
        self.ended = threading.Event()
        self.has_tls = tls
        self._authority = trustme.CA() if tls else None
        self.server = LocalVendo(
            SLUGS,
            api_key=API_KEY,
            token_lifetime=TOKEN_LIFETIME,
            heartbeat=0.5,
            retry=0.05,
            ssl_context=None if self._authority is None else _context(self._authority),
        )
        self.jwts: list[str | None] = [None, *(_jwt(number) for number in range(users))]
        self.ledger = Ledger(self.server)
        self.settings: dict[str, Any] = {
            "timeout": TIMEOUT,
            "retry": RetryPolicy(3, backoff=0.02, max_backoff=0.2),
        }

    @contextmanager
    def opened(self) -> Iterator[None]:
        """Run the server, with its environment set."""
        with self.server, ExitStack() as stack:
            variables = self.server.environment(*SLUGS)
            if self._authority is not None:
                file = stack.enter_context(self._authority.cert_pem.tempfile())
                variables |= {"SSL_CERT_FILE": file, "REQUESTS_CA_BUNDLE": file}
            before = {name: os.environ.get(name) for name in variables}
            os.environ.update(variables)
            try:
                yield
            finally:
                for name, value in before.items():
                    if value is None:
                        del os.environ[name]
                    else:
                        os.environ[name] = value
        shared.clear()

    @contextmanager
    def attempt(self, what: str) -> Iterator[None]:
        """Run one act: it works, or raises a documented error."""
        begin = time.monotonic()
        outcome = "well"
        try:
            yield
        except vendo.VendoError as error:
            outcome = type(error).__name__
            self.findings.look_into(what, error)
        except OF_LIBRARIES as error:
            outcome = f"{type(error).__module__.partition('.')[0]}.{type(error).__name__}"
            if what.startswith(("session", "httpx", "given up")):
                self.findings.look_into(what, error)
            else:
                self.findings.unexpected(what, error)
        except Exception as error:  # noqa: BLE001  # any other error is a finding
            outcome = "unexpected"
            self.findings.unexpected(what, error)
        seconds = time.monotonic() - begin
        self.findings.count(what, outcome, seconds)
        # A provider may respond slowly, as long as a byte comes now and then.
        if seconds > LONGEST and not what.startswith(("session", "httpx", "fork")):
            self.findings.blame(f"{what} took {seconds:.0f} s")

    # Checks of results

    def check_token(self, token: str, slug: str, jwt: str | None) -> None:
        """Check that a token belongs to its user."""
        if not self.ledger.is_of(token, slug, jwt):
            self.findings.blame(f"A token for {slug} is another user's")

    def check_response(
        self, status: int, content: bytes, sent: bytes, jwt: str | None, at: str
    ) -> bool:
        """Check that a provider received what was sent, in the name of the user who sent it.

        Returns:
            True if it accepted the token.
        """
        try:
            echo = json.loads(content)
        except (ValueError, RecursionError):
            return False
        if status != 200 or not isinstance(echo, dict) or "provider" not in echo:
            return False
        if echo["user"] != user_of(jwt):
            self.findings.blame(f"{at} went out in another user's name")
        if echo["body"] != sent.decode():
            self.findings.blame(f"{at} went out with {len(echo['body'])} bytes, not {len(sent)}")
        return True


def _context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


def _jwt(number: int) -> str:
    """Make a user's JWT. Only the server knows the user."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": f"user-{number}"}).encode())
    return f"canary.{claims.decode().rstrip('=')}.canary{number}"


def a_body(random: Random) -> tuple[bytes, Any]:
    """Return bytes, and one of the forms in which a caller may send them."""
    content = random.randbytes(random.choice([0, 10, 3000])).hex().encode()
    form = random.randrange(3)
    if form == 0 or not content:
        return content, content
    if form == 1:
        file = io.BytesIO(b"skipped" + content)
        file.seek(7)
        return content, file
    return content, iter([content[:5], content[5:]])
