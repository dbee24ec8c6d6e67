"""Many requests at the same time, over one connection of HTTP/2."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded, StreamReset

if TYPE_CHECKING:
    from collections.abc import Sequence

    from h2.events import Event


class Responses:
    """What came back, by the number of the request's stream."""

    def __init__(self) -> None:
        self.statuses: dict[int, bytes] = {}
        self.bodies: dict[int, bytes] = {}
        self.ended: set[int] = set()

    def add(self, event: Event) -> None:
        """Note an event of the connection.

        Raises:
            AssertionError: the server gave a request up.
        """
        assert not isinstance(event, StreamReset), event
        if isinstance(event, ResponseReceived):
            assert event.headers
            self.statuses[event.stream_id] = dict(event.headers)[b":status"]
        elif isinstance(event, DataReceived):
            self.bodies[event.stream_id] = self.bodies.get(event.stream_id, b"") + event.data
        elif isinstance(event, StreamEnded):
            self.ended.add(event.stream_id)


def get_at_once(
    site: str, requests: Sequence[tuple[str, dict[str, str]]]
) -> list[tuple[bytes, bytes]]:
    """Send all requests, each a path and its headers, then return each status and body.

    Raises:
        AssertionError: the server gave a request up, or closed the connection.
    """
    parts = urlsplit(site)
    connection = H2Connection(H2Configuration(header_encoding=None))
    connection.initiate_connection()
    streams = []
    for path, headers in requests:
        streams.append(connection.get_next_available_stream_id())
        pseudo = {":method": "GET", ":scheme": "http", ":authority": parts.netloc, ":path": path}
        fields = {**pseudo, **{name.lower(): value for name, value in headers.items()}}
        connection.send_headers(streams[-1], list(fields.items()), end_stream=True)
    responses = Responses()
    with socket.create_connection((parts.hostname or "", parts.port or 80), timeout=30) as sock:
        while not responses.ended.issuperset(streams):
            sock.sendall(connection.data_to_send())
            received = sock.recv(65536)
            assert received
            for event in connection.receive_data(received):
                responses.add(event)
    return [(responses.statuses[stream], responses.bodies[stream]) for stream in streams]
