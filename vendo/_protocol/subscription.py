"""A subscription to the platform's events (wire contract, "Events"), without I/O.

A flow like all others, with three steps of its own for a stream that is read piece by piece. What
it yields that is no step is an event, for whoever iterates.
"""

from __future__ import annotations

import time
from random import random

from vendo._protocol import decoding
from vendo._protocol.error_responses import error_of
from vendo._protocol.event_stream import EventReader
from vendo._protocol.log import logger
from vendo._protocol.retry import retry_after
from vendo._protocol.steps import Head, Pause, Request, Response
from vendo.errors import UpstreamConnectionError, UpstreamTimeout, ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from typing import Any, TypeAlias

    from vendo._protocol.calls import Caller
    from vendo._protocol.models import VendoEvent

    #: Sent the outcome of each step, and None for each event.
    Subscription: TypeAlias = (
        "Generator[OpenStream | ReadChunk | CloseStream | Pause | VendoEvent, Any, None]"
    )

#: Where the platform API has its events.
PATH = "/api/deployments/me/events"

FIRST_BACKOFF = 1.0
JITTER = 0.25
#: The server sends something about every 25 seconds: after two such spans it is gone.
LONGEST_SILENCE = 55.0
#: Longest pause that a refusal can ask for: who stays away longer misses events for good.
LONGEST_PAUSE = 3600.0
#: As much of a refusal is read as an error can be made out of.
_MOST_OF_A_REFUSAL = 64 * 1024


class OpenStream:
    """Send a request and read the head of its answer. Its outcome is a `Head`."""

    __slots__ = ("request",)

    def __init__(self, request: Request) -> None:
        self.request = request


class ReadChunk:
    """Read what has come of the body, at least a byte; the outcome is empty at its end.

    `timeout` is in seconds. A failure is thrown in as an `UpstreamError`.
    """

    __slots__ = ("timeout",)

    def __init__(self, timeout: float) -> None:
        self.timeout = timeout


class CloseStream:
    """Close the stream that was opened last. A driver does so too when the flow ends or raises."""

    __slots__ = ()


def subscription(
    caller_now: Callable[[], Caller],
    url: str,
    *,
    max_backoff: float,
    silence: float | None = None,
) -> Subscription:
    """Events for ever, over as many connections as it takes.

    `caller_now` is asked at each connection, so that a key that was changed meanwhile is used.
    `max_backoff` and `silence`, after which a stream counts as broken, are in seconds.

    Raises:
        VendoError: the backend refuses: the key, or the subscription as such.
    """
    reader = EventReader()
    longest_silence = LONGEST_SILENCE if silence is None else silence
    failures = 0
    while True:
        caller = caller_now()
        headers = {**caller.headers(), "Accept": "text/event-stream", "Cache-Control": "no-store"}
        if reader.last_event_id:
            headers["Last-Event-ID"] = reader.last_event_id
        floor = 0.0
        try:
            head: Head = yield OpenStream(
                Request("GET", url, headers, None, caller.timeout, decoding.MAX_BYTES)
            )
            if head.status == 204:
                return
            if head.status != 200:
                failures += 1
                floor = _wait_of(head, (yield from _read_all(caller.timeout)), caller)
            elif _is_event_stream(head):
                failures = 0
                reader.connected()
                while chunk := (yield ReadChunk(longest_silence)):
                    yield from reader.feed(chunk)
            else:
                raise decoding.malformed("is no event stream", Response(200, head.headers, b""))
        except (UpstreamConnectionError, UpstreamTimeout) as error:
            failures += 1
            logger.info("The event stream broke off (%s); connecting again.", error.code)
        yield CloseStream()
        base = reader.retry or FIRST_BACKOFF
        longest = min(max_backoff, base * 2.0 ** min(max(failures - 1, 0), 16))
        yield Pause(max(floor, longest * (1 - JITTER * random())))  # noqa: S311  # spreads load


def _wait_of(head: Head, body: bytes, caller: Caller) -> float:
    """Seconds that a refused subscription is asked to wait, where it is to try again at all."""
    error = error_of(Response(head.status, head.headers, body), secrets=caller.secrets())
    if head.status != 429 and head.status < 500:
        raise error
    logger.warning("The event stream is refused for now (HTTP %s, %s).", head.status, error.code)
    return min(retry_after(head.headers) or 0.0, LONGEST_PAUSE)


def _read_all(timeout: float) -> Generator[ReadChunk, bytes, bytes]:
    deadline = time.monotonic() + timeout
    body = b""
    while len(body) < _MOST_OF_A_REFUSAL and (remaining := deadline - time.monotonic()) > 0:
        chunk = yield ReadChunk(remaining)
        if not chunk:
            break
        body += chunk
    return body


def _is_event_stream(head: Head) -> bool:
    kind = head.headers.get("content-type", "").partition(";")[0]
    return kind.strip().lower() == "text/event-stream"


def checked_backoff(seconds: float) -> float:
    """`max_backoff_sec` as a number of seconds.

    Raises:
        ValidationError: it is no number greater than 0.
    """
    if not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise ValidationError(
            "validation_failed",
            f"max_backoff_sec= is {seconds!r}; it takes a number of seconds greater than 0.",
        )
    return float(seconds)
