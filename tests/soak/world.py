"""What the threads and tasks of a run share: the server, the users, the clients."""

from __future__ import annotations

import base64
import io
import json
import os
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx2
import requests

import vendo
from soak.ledger import Ledger
from vendo import RetryPolicy
from vendo._tokens.cache import shared
from vendo.testing import LocalVendo
from vendo.testing._connections import user_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from soak.findings import Findings

API_KEY = "vendo_sk_canarykeycanarykeycanarykeycan01"
#: Bearer, `x-api-key`, in the path, basic authentication; and one outside the catalog.
SLUGS = ("gmail", "openai", "slack", "anthropic", "telegram", "mailgun", "soakstuff")
#: Seconds. Short, so that a run has many time-outs, early refreshes and ends of tokens.
TIMEOUT = 2.0
TOKEN_LIFETIME = 6.0
#: Seconds. A call to Vendo that takes longer did not keep to its time-out, however busy all is.
LONGEST = 20.0

#: What a session's own library may raise while a provider misbehaves.
OF_LIBRARIES = (requests.RequestException, httpx2.HTTPError, aiohttp.ClientError, TimeoutError)


class World:
    """One server and all that is to be said of a run with it."""

    def __init__(self, seed: int, findings: Findings, users: int = 12) -> None:
        self.seed = seed
        self.findings = findings
        self.ended = threading.Event()
        self.server = LocalVendo(
            SLUGS, api_key=API_KEY, token_lifetime=TOKEN_LIFETIME, heartbeat=0.5, retry=0.05
        )
        self.jwts: list[str | None] = [None, *(_jwt(number) for number in range(users))]
        self.ledger = Ledger(self.server)
        self.settings: dict[str, Any] = {
            "timeout": TIMEOUT,
            "retry": RetryPolicy(3, backoff=0.02, max_backoff=0.2),
        }

    @contextmanager
    def opened(self) -> Iterator[None]:
        """The server runs, and the environment points at it."""
        with self.server:
            variables = self.server.environment(*SLUGS)
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
        """One thing that a program does: it works, or ends as the library says that it may."""
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
        except Exception as error:  # noqa: BLE001  # which is what must not be
            outcome = "unexpected"
            self.findings.unexpected(what, error)
        seconds = time.monotonic() - begin
        self.findings.count(what, outcome, seconds)
        # A provider may take its time over an answer, as long as there is a byte now and then.
        if seconds > LONGEST and not what.startswith(("session", "httpx", "fork")):
            self.findings.blame(f"{what} took {seconds:.0f} s")

    # What has to be true of what comes back

    def check_token(self, token: str, slug: str, jwt: str | None) -> None:
        """A token that was handed out is its user's."""
        if not self.ledger.is_of(token, slug, jwt):
            self.findings.blame(f"A token for {slug} is not the asker's")

    def check_answer(
        self, status: int, content: bytes, sent: bytes, jwt: str | None, at: str
    ) -> bool:
        """What a provider saw is what was sent, in the name of the user who sent it.

        True where it accepted the token at all.
        """
        try:
            seen = json.loads(content)
        except (ValueError, RecursionError):
            return False
        if status != 200 or not isinstance(seen, dict) or "provider" not in seen:
            return False
        if seen["user"] != user_of(jwt):
            self.findings.blame(f"{at} went out in another user's name")
        if seen["body"] != sent.decode():
            self.findings.blame(f"{at} went out with {len(seen['body'])} bytes, not {len(sent)}")
        return True


def _jwt(number: int) -> str:
    """A user's JWT, of which only the server knows whose it is."""
    claims = base64.urlsafe_b64encode(json.dumps({"sub": f"person-{number}"}).encode())
    return f"canary.{claims.decode().rstrip('=')}.canary{number}"


def a_body(random: Random) -> tuple[bytes, Any]:
    """Bytes, and one of the forms in which a caller may hand them to a session."""
    content = random.randbytes(random.choice([0, 10, 3000])).hex().encode()
    form = random.randrange(3)
    if form == 0 or not content:
        return content, content
    if form == 1:
        file = io.BytesIO(b"skipped" + content)
        file.seek(7)
        return content, file
    return content, iter([content[:5], content[5:]])
