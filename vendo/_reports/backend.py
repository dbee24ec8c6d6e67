"""Check the backend: send each surface one request, the way the library itself does."""

from __future__ import annotations

import time

from vendo._catalog import catalog
from vendo._config import environment
from vendo._config.slugs import is_slug
from vendo._protocol import decoding
from vendo._protocol.clock import http_date
from vendo._protocol.credentials import fetch_tokens
from vendo._protocol.error_responses import error_of
from vendo._protocol.platform import fetch_connections
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import Secret
from vendo._protocol.steps import Request
from vendo._reports.network import CREDENTIALS, DATA_PROXY, PLATFORM
from vendo._reports.report import ConnectionStatus, SurfaceResponse
from vendo._transports.blocking import BlockingTransport
from vendo.errors import AuthError, UpstreamError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo import Vendo
    from vendo._protocol.models import Connection
    from vendo._protocol.steps import Response
    from vendo._reports.report import Given, Report

#: Seconds. A webhook with an older timestamp is rejected.
_WEBHOOK_WINDOW = 300
#: Seconds that two clocks may differ without a note.
CLOCK_TOLERANCE = 5
#: Profiles of connections without a token: only the platform uses their credential.
_WITHOUT_TOKEN = frozenset({"user_oauth", "webhook_inbound"})
_BROKEN = {"needs_reauth": "must be authorized again", "error": "has failed"}


class Probe:
    """A transport that records status, duration and clock of each response."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._inner = BlockingTransport()
        self.surface = ""

    def send(self, request: Request) -> Response:
        """Send a request and record its response."""
        began = time.perf_counter()
        response = self._inner.send(request)
        seconds = time.perf_counter() - began
        date = http_date(response.headers.get("date", ""))
        # `Date` is cut to whole seconds, half a second on average.
        ahead = None if date is None else round(date + 0.5 - (time.time() - seconds / 2))
        self._report.responses.append(
            SurfaceResponse(self.surface, response.status, round(seconds * 1000), ahead)
        )
        return response

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def check_backend(report: Report, api_key: Secret, timeout: float, given: Given) -> None:
    """Send a request to each surface with a valid address. `timeout` is seconds for each."""
    urls = {address.surface: address.url for address in report.addresses}
    probe = Probe(report)
    with given.make(timeout=timeout, retry=RetryPolicy(1), transport=probe) as client:
        rejected: AuthError | None = None
        if PLATFORM in urls:
            probe.surface = PLATFORM
            rejected = _check_platform(report, client, api_key, urls[PLATFORM])
        if CREDENTIALS in urls:
            probe.surface = CREDENTIALS
            accepted = _check_worker(report, client, api_key, urls[CREDENTIALS])
            if rejected is not None and accepted:
                report.note(
                    "The platform API rejects the key and the credentials worker accepts it, as "
                    "for a connection key: there are tokens, but no connections and events.",
                    "Set VENDO_API_KEY to the key of the app, from the dashboard.",
                )
                rejected = None
        if rejected is not None:
            report.failed(rejected, about=PLATFORM)
        if DATA_PROXY in urls:
            probe.surface = DATA_PROXY
            _check_data_proxy(report, client, api_key, probe, urls[DATA_PROXY], timeout)
    _add_connection_problems(report)
    _add_clock_problem(report)


def _check_platform(report: Report, client: Vendo, api_key: Secret, url: str) -> AuthError | None:
    """List the connections. Return the error where the key is rejected."""
    sandbox = environment.SANDBOX.get() == "1"
    try:
        rows: list[Connection] = client._run(
            fetch_connections(client._settings.caller(api_key), url, sandbox=sandbox)
        )
    except AuthError as error:
        return error
    except VendoError as error:
        report.failed(error, about=PLATFORM)
        return None
    report.connections = [
        ConnectionStatus(row.slug, row.status, row.profile)
        for row in rows
        if row.status != "available"  # every provider that nobody connected
    ]
    return None


def _check_worker(report: Report, client: Vendo, api_key: Secret, url: str) -> bool:
    """Fetch the tokens of all connections. Return False where the key is rejected."""
    connected = dict.fromkeys(row.slug for row in report.connections if row.status == "connected")
    slugs = [slug for slug in connected if is_slug(slug)]
    try:
        issued = client._run(
            # Without a connection, any slug shows whether the worker responds.
            fetch_tokens(client._settings.caller(api_key), url, slugs or [catalog.slugs()[0]])
        )
    except VendoError as error:
        report.failed(error, about=CREDENTIALS)
        return False
    report.connections = [
        ConnectionStatus(row.slug, row.status, row.profile, issued.get(row.slug) is not None)
        for row in report.connections
    ]
    return True


def _check_data_proxy(
    report: Report, client: Vendo, api_key: Secret, probe: Probe, url: str, timeout: float
) -> None:
    # GET without the key runs no action. Any status below 500 shows that the proxy is up.
    headers = client._settings.caller(None).headers()
    request = Request("GET", f"{url}/v1/execute", headers, None, timeout, decoding.MAX_BYTES)
    try:
        response = probe.send(request)
        if response.status >= 500:
            raise error_of(response, secrets=[api_key])
    except UpstreamError as error:
        report.failed(error, about=DATA_PROXY)


def _add_connection_problems(report: Report) -> None:
    for row in report.connections:
        if row.status in _BROKEN:
            report.problem(
                f"The connection of {row.slug} {_BROKEN[row.status]}.",
                f"python -m vendo connect-url {row.slug}",
            )
        elif row.status == "connected" and row.token is False and row.profile not in _WITHOUT_TOKEN:
            report.note(
                f"{row.slug} is connected, but the credentials worker has no token for it.",
                f"Connect it again: python -m vendo connect-url {row.slug}",
            )


def _add_clock_problem(report: Report) -> None:
    ahead = next((r.clock_ahead_sec for r in report.responses if r.clock_ahead_sec is not None), 0)
    if abs(ahead) <= CLOCK_TOLERANCE:
        return
    text = (
        f"This machine's clock is {abs(ahead)} s {'behind' if ahead > 0 else 'ahead of'} "
        "the backend's."
    )
    if abs(ahead) >= _WEBHOOK_WINDOW:
        report.problem(f"{text} Tokens still work, but webhooks are rejected.", "Set the clock.")
    else:
        report.note(f"{text} Tokens still work.")
