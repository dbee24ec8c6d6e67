"""A foreign server on this machine: it sends set replies, and records the requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from email.message import Message
    from typing import Self


@dataclass
class Seen:
    """A received request."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass
class Reply:
    """A reply: any status, with these headers and this body."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b"{}"


class Foreign:
    """A server on 127.0.0.1, and so also on `localhost`."""

    def __init__(self) -> None:
        #: Path -> reply; any other path gets a 200.
        self.replies: dict[str, Reply | Callable[[Seen], Reply]] = {}
        self.seen: list[Seen] = []
        self.connections = 0
        self._lock = Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.foreign = self
        self._thread = Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self.replies[path] = Reply(status, {"Location": to}, b"")

    def reply_to(self, seen: Seen) -> Reply:
        with self._lock:
            self.seen.append(seen)
            reply = self.replies.get(seen.path, Reply())
        return reply if isinstance(reply, Reply) else reply(seen)


class _Server(ThreadingHTTPServer):
    foreign: Foreign
    daemon_threads = True
    block_on_close = False

    def handle_error(self, *_: object) -> None:
        """Ignore the connections that a closed client leaves behind."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.foreign.connections += 1

    def handle_one_request(self) -> None:
        self.close_connection = True
        self.raw_requestline = self.rfile.readline(65537)
        if not self.raw_requestline or not self.parse_request():
            return
        reply = self.server.foreign.reply_to(
            Seen(self.command, self.path, self.headers, self._read_body())
        )
        self.send_response(reply.status)
        for name, value in reply.headers.items():
            self.send_header(name, value)
        if "Content-Length" not in reply.headers:
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def log_message(self, *_: object) -> None:
        """Print nothing."""
