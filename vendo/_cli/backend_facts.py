"""What the backend answers: each surface is asked once, the way the library itself asks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from vendo import Vendo
from vendo._catalog import catalog
from vendo._cli.facts import Answer, ConnectionFact
from vendo._cli.network_facts import CREDENTIALS, DATA_PROXY, PLATFORM
from vendo._config import environment
from vendo._protocol import decoding
from vendo._protocol.clock import http_date
from vendo._protocol.credentials import fetch_tokens
from vendo._protocol.error_responses import error_of
from vendo._protocol.platform import fetch_connections
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import masked
from vendo._protocol.steps import Request
from vendo._transports.blocking import BlockingTransport
from vendo.errors import AuthError, UpstreamError, VendoError

if TYPE_CHECKING:
    from vendo._cli.facts import Facts
    from vendo._protocol.models import Connection
from vendo._protocol.steps import Response

#: A verifier of webhooks refuses what is older: the platform's window, in seconds.
_WEBHOOK_WINDOW = 300
#: Seconds that two clocks may be apart and nobody will notice.
IN_STEP = 5
#: Connections whose credential is used by the platform alone.
_WITHOUT_TOKEN = frozenset({"webhook_inbound", "composio_managed"})
_BROKEN = {"needs_reauth": "has to be authorized again", "error": "is in error"}


class Probe:
    """A transport that notes what each answer says of its surface besides the body."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._inner = BlockingTransport()
        self.surface = ""

    def send(self, request: Request) -> Response:
        """Send a request and note status, duration and the server's clock."""
        began = time.perf_counter()
        response = self._inner.send(request)
        seconds = time.perf_counter() - began
        date = http_date(response.headers.get("date", ""))
        # `Date` leaves out half a second on average.
        ahead = None if date is None else round(date + 0.5 - (time.time() - seconds / 2))
        self._facts.answers.append(
            Answer(self.surface, response.status, round(seconds * 1000), ahead)
        )
        return response

    def close(self) -> None:
        """Let go of the connections."""
        self._inner.close()


def add_backend(facts: Facts, api_key: str, timeout: float) -> None:
    """Ask each surface whose address is well formed. `timeout` is in seconds, for each."""
    urls = {address.surface: address.url for address in facts.addresses}
    probe = Probe(facts)
    with Vendo(timeout=timeout, retry=RetryPolicy(1), transport=probe) as client:
        refused: AuthError | None = None
        if PLATFORM in urls:
            probe.surface = PLATFORM
            refused = _ask_platform(facts, client, api_key, urls[PLATFORM])
        if CREDENTIALS in urls:
            probe.surface = CREDENTIALS
            accepted = _ask_worker(facts, client, api_key, urls[CREDENTIALS])
            if refused is not None and accepted:
                facts.note(
                    "The platform API refuses the key and the credentials worker accepts it, as "
                    "for a connection key: tokens can be had, connections and events cannot."
                )
                refused = None
        if refused is not None:
            facts.failed(refused, about=PLATFORM)
        if DATA_PROXY in urls:
            probe.surface = DATA_PROXY
            _ask_data_proxy(facts, client, api_key, probe, urls[DATA_PROXY], timeout)
    _judge_connections(facts)
    _judge_clock(facts)


def _ask_platform(facts: Facts, client: Vendo, api_key: str, url: str) -> AuthError | None:
    """List the connections. Returns the error where the key is refused."""
    sandbox = environment.SANDBOX.get() == "1"
    try:
        rows: list[Connection] = client._run(
            fetch_connections(client._settings.caller(masked(api_key)), url, sandbox=sandbox)
        )
    except AuthError as error:
        return error
    except VendoError as error:
        facts.failed(error, about=PLATFORM)
        return None
    facts.connections = [ConnectionFact(row.slug, row.status, row.profile) for row in rows]
    return None


def _ask_worker(facts: Facts, client: Vendo, api_key: str, url: str) -> bool:
    """Have the tokens of all connections handed out. Returns whether the key is accepted."""
    slugs = list(dict.fromkeys(row.slug for row in facts.connections if row.status == "connected"))
    try:
        issued = client._run(
            # Without a connection, any slug shows whether the worker answers.
            fetch_tokens(
                client._settings.caller(masked(api_key)), url, slugs or [catalog.slugs()[0]]
            )
        )
    except VendoError as error:
        facts.failed(error, about=CREDENTIALS)
        return False
    facts.connections = [
        ConnectionFact(row.slug, row.status, row.profile, issued.get(row.slug) is not None)
        for row in facts.connections
    ]
    return True


def _ask_data_proxy(
    facts: Facts, client: Vendo, api_key: str, probe: Probe, url: str, timeout: float
) -> None:
    # Looked at and not run, without the key: no answer but a failure of its own says it is down.
    headers = client._settings.caller(None).headers()
    request = Request("GET", f"{url}/v1/execute", headers, None, timeout, decoding.MAX_BYTES)
    try:
        response = probe.send(request)
        if response.status >= 500:
            raise error_of(response, secrets=[api_key])
    except UpstreamError as error:
        facts.failed(error, about=DATA_PROXY)


def _judge_connections(facts: Facts) -> None:
    for row in facts.connections:
        if row.status in _BROKEN:
            facts.problem(
                f"The connection of {row.slug} {_BROKEN[row.status]}.",
                f"python -m vendo connect-url {row.slug} prints where.",
            )
        elif row.status == "connected" and not row.token and row.profile not in _WITHOUT_TOKEN:
            facts.note(f"{row.slug} is connected, and the credentials worker has no token for it.")


def _judge_clock(facts: Facts) -> None:
    ahead = next((a.clock_ahead_sec for a in facts.answers if a.clock_ahead_sec is not None), 0)
    if abs(ahead) <= IN_STEP:
        return
    text = (
        f"This machine's clock is {abs(ahead)} s {'behind' if ahead > 0 else 'ahead of'} "
        "the backend's."
    )
    if abs(ahead) >= _WEBHOOK_WINDOW:
        facts.problem(f"{text} Tokens are not harmed, but webhooks are refused.", "Set the clock.")
    else:
        facts.note(f"{text} Tokens are not harmed by it.")
