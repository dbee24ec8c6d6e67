"""Check how a process would watch events."""

from __future__ import annotations

from vendo._client import event_watch
from vendo._protocol.decoding import MAX_BYTES
from vendo._protocol.steps import Request
from vendo._protocol.subscription import PATH, REFUSED
from vendo._reports.network import PLATFORM
from vendo._transports.blocking_stream import BlockingStream
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo import Vendo
    from vendo._protocol.secret import Secret
    from vendo._reports.report import Given, Report

MEANINGS = {
    "redis": "one event stream for all processes, through Redis",
    "stream": "an event stream for each process",
    "polling": "all five event streams are open: every 30 s it asks for the connections",
}


def check_events(report: Report, client: Vendo, key: Secret, given: Given) -> None:
    """Check the Redis, and find the mode of a watch. Without one, open a stream for a moment."""
    try:
        server = event_watch.server_of(given.redis_url, given.sources.get("redis_url", ""))
    except VendoError as error:
        if given.adapter is None:  # else its own checks report it
            report.failed(error)
        return
    try:
        if server is not None:
            event_watch.check(client, server)
        if any(each.surface == PLATFORM and each.status == 200 for each in report.responses):
            report.events = _mode(client, key) if server is None else "redis"
    except VendoError as error:
        report.failed(error)


def _mode(client: Vendo, key: Secret) -> str | None:
    caller = client._settings.caller(key)
    url = client._settings.base_url() + PATH
    headers = {**caller.headers(), "Accept": "text/event-stream"}
    stream = BlockingStream(
        client._stream_transport(), Request("GET", url, headers, None, caller.timeout, MAX_BYTES)
    )
    try:
        status = stream.open().status
    finally:
        stream.close()
    return {200: "stream", REFUSED: "polling"}.get(status)
