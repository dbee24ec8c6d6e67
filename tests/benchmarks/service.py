"""A cheap service: every request gets the same response."""

from __future__ import annotations

import asyncio
import json
import ssl
from email.utils import formatdate
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class Address(NamedTuple):
    """The address of the service. `ca_file` is its certificate authority, empty without TLS."""

    host: str
    port: int
    ca_file: str

    @property
    def url(self) -> str:
        return f"{'https' if self.ca_file else 'http'}://{self.host}:{self.port}"


def _response() -> bytes:
    body = json.dumps(
        {"access_token": "t" * 64, "expires_at": None, "token_type": "Bearer", "data": {}}
    ).encode()
    head = (
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        f"Date: {formatdate(usegmt=True)}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


class _Service(asyncio.Protocol):
    latency = 0.0
    response = _response()
    requests = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._received = b""

    def data_received(self, data: bytes) -> None:
        self._received += data
        while True:
            head, blank, rest = self._received.partition(b"\r\n\r\n")
            if not blank:
                return
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.partition(b":")[2])
            if len(rest) < length:
                return
            self._received = rest[length:]
            type(self).requests += 1
            if b"/requests-so-far" in head.partition(b"\r\n")[0]:
                self._transport.write(_count(self.requests - 1))
            elif self.latency:
                asyncio.get_running_loop().call_later(self.latency, self._respond)
            else:
                self._respond()

    def _respond(self) -> None:
        if not self._transport.is_closing():
            self._transport.write(self.response)


def _count(requests: int) -> bytes:
    body = str(requests).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def serve(ready: Connection, folder: str, latency: float, tls: bool) -> None:
    """Serve until the process ends."""
    asyncio.run(_serve(ready, Path(folder), latency, tls))


async def _serve(ready: Connection, folder: Path, latency: float, tls: bool) -> None:
    _Service.latency = latency
    context = ca_file = None
    if tls:
        import trustme

        authority = trustme.CA()
        ca_file = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(context)
    host = "localhost" if tls else "127.0.0.1"
    server = await asyncio.get_running_loop().create_server(
        _Service, "127.0.0.1", 0, ssl=context, backlog=1024
    )
    ready.send(Address(host, server.sockets[0].getsockname()[1], str(ca_file or "")))
    await server.serve_forever()
