"""A subscription to the platform's events (wire contract, "Events"), without I/O.

A flow with three steps of its own, for a stream that is read piece by piece. It also yields events,
which are not steps: the driver returns them to its caller.
"""

from __future__ import annotations

from random import random

from vendo._protocol import decoding
from vendo._protocol.codes import is_reconnected
from vendo._protocol.error_responses import error_of
from vendo._protocol.event_stream import EventReader
from vendo._protocol.log import logger
from vendo._protocol.moments import elapsed
from vendo._protocol.retry import retry_after
from vendo._protocol.steps import Head, Pause, Request, Response
from vendo.errors import UpstreamConnectionError, UpstreamTimeout, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, TypeAlias

    from vendo._protocol.calls import Caller
    from vendo._protocol.models import EventStreamMessage
    from vendo.errors import VendoError

    #: Sent the outcome of each step, and None for each event.
    Subscription: TypeAlias = (
        "Generator[OpenStream | ReadChunk | CloseStream | Pause | EventStreamMessage, Any, None]"
    )

#: The path of the events at the platform API.
PATH = "/api/deployments/me/events"

FIRST_BACKOFF = 1.0
JITTER = 0.25
#: Seconds. The server sends something every 25 seconds, so a connection is lost after two of them.
MAX_SILENCE = 55.0
#: Seconds. After a longer pause, events would be lost.
MAX_PAUSE = 3600.0
#: The status of the response where all streams of an app are open.
REFUSED = 429
#: Bytes of an error response that are read.
_MAX_ERROR_BYTES = 64 * 1024


class OpenStream:
    """Send a request and read the head of its response. The outcome is a `Head`."""

    __slots__ = ("request",)

    def __init__(self, request: Request) -> None:
        self.request = request


class ReadChunk:
    """Read the next piece of the body, at least a byte; the outcome is empty at its end.

    `timeout` is in seconds. A failure is thrown in as an `UpstreamError`.
    """

    __slots__ = ("timeout",)

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout


class CloseStream:
    """Close the open stream. A driver also does this when the flow ends or raises."""

    __slots__ = ()


def subscription(
    caller_now: Callable[[], Caller],
    url_now: Callable[[], str],
    *,
    max_backoff: float,
    silence: float | None = None,
    reader: EventReader | None = None,
    opened: Callable[[], None] | None = None,
) -> Subscription:
    """Yield events for ever, over any number of connections.

    Args:
        caller_now: called at each connection, so that a rotated key is used.
        url_now: the same for the address of the stream.
        max_backoff: the longest pause before a connection, in seconds.
        silence: seconds without data after which a connection counts as broken.
        reader: of an earlier subscription that this one continues.
        opened: called when the stream is open, each time. With it, the flow does not wait for a
            stream while all are open (status 429), and raises the error.

    Raises:
        VendoError: the backend rejects the key or the subscription.
    """
    reader = EventReader() if reader is None else reader
    longest_silence = MAX_SILENCE if silence is None else silence
    failures = 0
    while True:
        caller = caller_now()
        headers = {**caller.headers(), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        if reader.last_event_id:
            headers["Last-Event-ID"] = reader.last_event_id
        floor = 0.0
        try:
            head: Head = yield OpenStream(
                Request("GET", url_now(), headers, None, caller.timeout, decoding.MAX_BYTES)
            )
            if head.status == 204:
                return
            if head.status != 200:
                failures += 1
                error = _error_of(head, (yield from _read_all(caller.timeout)), caller)
                if not is_reconnected(head.status) or (opened and head.status == REFUSED):
                    raise error
                logger.warning(
                    "The event stream is not available (HTTP %s, %s).", head.status, error.code
                )
                floor = min(retry_after(head.headers) or 0.0, MAX_PAUSE)
            elif _is_event_stream(head):
                failures = 0
                reader.connected()
                if opened is not None:
                    opened()
                while chunk := (yield ReadChunk(longest_silence)):
                    yield from reader.feed(chunk)
            else:
                raise decoding.malformed("is not an event stream", Response(200, head.headers, b""))
        except (UpstreamConnectionError, UpstreamTimeout) as error:
            failures += 1
            logger.info("The event stream broke (%s); connecting again.", error.code)
        yield CloseStream()
        base = reader.retry or FIRST_BACKOFF
        longest = min(max_backoff, base * 2.0 ** min(max(failures - 1, 0), 16))
        yield Pause(max(floor, longest * (1 - JITTER * random())))  # noqa: S311  # spreads load


def _error_of(head: Head, body: bytes, caller: Caller) -> VendoError:
    return error_of(Response(head.status, head.headers, body), secrets=caller.secrets())


def _read_all(timeout: float) -> Generator[ReadChunk, bytes, bytes]:
    deadline = elapsed() + timeout
    body = b""
    while len(body) < _MAX_ERROR_BYTES and (remaining := deadline - elapsed()) > 0:
        chunk = yield ReadChunk(remaining)
        if not chunk:
            break
        body += chunk
    return body


def _is_event_stream(head: Head) -> bool:
    kind = head.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "text/event-stream"


def checked_backoff(seconds: float) -> float:
    """Check `max_backoff_sec`, a number of seconds.

    Raises:
        ValidationError: not a number greater than 0.
    """
    if not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise invalid(
            f"max_backoff_sec= must be a number of seconds greater than 0, not {seconds!r:.40}.",
            fix="Write max_backoff_sec=30.",
        )
    return float(seconds)
