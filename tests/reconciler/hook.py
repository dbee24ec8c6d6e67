"""A program with a reload hook."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Hook:
    """The requests that were received, and the statuses to respond with: each once, then 200."""

    url: str
    posts: queue.Queue[tuple[str, str, bytes]] = field(default_factory=queue.Queue)
    statuses: list[int] = field(default_factory=list)


@contextmanager
def hook() -> Iterator[Hook]:
    """Run a reload hook on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.posts.put((self.path, self.headers["Content-Type"], body))
            self.send_response(received.statuses.pop(0) if received.statuses else 200)
            self.send_header("Location", "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            raise AssertionError("a redirect was followed")

        def log_message(self, *_args: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        received = Hook(f"http://127.0.0.1:{server.server_port}/reload?secret=canary")
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield received
        finally:
            server.shutdown()
            thread.join()
