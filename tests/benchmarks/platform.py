"""Figures of the platform API: how fast events and webhooks are read."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from typing import TYPE_CHECKING

from benchmarks.harness import Figure, ratio, rounds, spread
from vendo import WebhooksAPI
from vendo._protocol.event_stream import EventReader

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SECRET = "whsec_" + "s" * 32
_ROUNDS = 60


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    yield _events()
    yield _long_line()
    yield _webhook()


def _events() -> Figure:
    events = 200
    stream = b"".join(_block(number) for number in range(events))
    pieces = _cut(stream, 16 * 1024)

    def read() -> None:
        reader = EventReader()
        found = sum(len(reader.feed(piece)) for piece in pieces)
        assert found == events

    return Figure(
        "events read a second on one core",
        "no baseline",
        spread(events / took / 1000 for [took] in rounds(read)),
        100,
        "thousand",
        at_least=True,
    )


def _block(number: int) -> bytes:
    data = {
        "id": f"evt_{number}",
        "at": "2026-09-21T12:53:20Z",
        "kind": "connection.changed",
        "slug": "gmail",
        "connection_id": f"cn_{number}",
    }
    return f"id: evt_{number}\nevent: connection.changed\ndata: {json.dumps(data)}\n\n".encode()


def _long_line() -> Figure:
    # After a block of this size glibc keeps freed memory. Before, it returns 4 MiB to the system
    # each time, but not 1 MiB: the figure would measure the allocator.
    bytes(31 << 20)
    four, one = _reading(4), _reading(1)
    return Figure(
        "an event in a line of 4 MiB, in pieces of 512 bytes",
        "one of 1 MiB",
        spread(_cpu_seconds(four) / _cpu_seconds(one) for _ in range(_ROUNDS)),
        5,
    )


def _reading(megabytes: int) -> Callable[[], None]:
    data = json.dumps({"id": "evt_1", "text": "x" * (megabytes << 20)})
    pieces = _cut(f"id: evt_1\ndata: {data}\n\n".encode(), 512)

    def read() -> None:
        reader = EventReader()
        assert sum(len(reader.feed(piece)) for piece in pieces) == 1

    return read


def _webhook() -> Figure:
    body = json.dumps(
        {
            "id": "evt_1",
            "type": "connection.changed",
            "occurred_at": "2026-09-21T12:53:20Z",
            "data": {"slug": "gmail", "note": "x" * 900},
        }
    ).encode()
    timestamp = str(int(time.time()))
    key = _SECRET.encode()
    signature = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    headers = {"Vendo-Signature": signature, "Vendo-Timestamp": timestamp}
    webhooks = WebhooksAPI(_SECRET)

    def plain() -> None:
        hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        json.loads(body)

    return Figure(
        f"verifying a webhook of {len(body)} bytes",
        "its HMAC and `json.loads`",
        ratio(lambda: webhooks.verify(headers, body), plain),
        3,
    )


def _cpu_seconds(call: Callable[[], None]) -> float:
    """Return the CPU seconds of a call. A call this long is always interrupted by others."""
    begin = time.process_time()
    call()
    return time.process_time() - begin


def _cut(stream: bytes, size: int) -> list[bytes]:
    return [stream[begin : begin + size] for begin in range(0, len(stream), size)]
