"""Serve the hosts that programs use on this machine: real TLS, real sockets, nothing patched.

A program reaches the proxy through `HTTPS_PROXY` and trusts its authority through `SSL_CERT_FILE`,
`REQUESTS_CA_BUNDLE` and `HTTPLIB2_CA_CERTS`. Vendo's hosts lead to a `LocalVendo`, a provider's
hosts to its fake provider. So the manual's code blocks run as they are written.
"""

from __future__ import annotations

import http.client
import ssl
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock, Thread
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import trustme

from vendo._catalog.catalog import provider, slugs

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendo.testing import LocalVendo

_HOP_BY_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "te", "upgrade"}


class Internet:
    """The proxy and its authority. `environment` is what a program needs to go through it."""

    def __init__(self, server: LocalVendo, folder: Path) -> None:
        self._authority = trustme.CA()
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._lock = Lock()
        self._ca_file = folder / "authority.pem"
        self._authority.cert_pem.write_to_path(str(self._ca_file))
        self._vendo = server.url
        self._prefixes = {
            "vendo.run": "",
            "credentials.vendo.run": "/credentials",
            "composio-proxy.vendo.run": "/data-proxy",
        }
        hosts = {slug: row.hosts for slug in slugs() if (row := provider(slug))}
        for slug in sorted(hosts, key=lambda slug: len(hosts[slug])):  # google has many
            for host in hosts[slug]:
                self._prefixes.setdefault(host, f"/providers/{slug}")
            self._prefixes[f"{slug}-proxy.vendo.run"] = f"/providers/{slug}"
        self.http_server = _Server(("127.0.0.1", 0), _Proxy)
        self.http_server.internet = self  # type: ignore[attr-defined]  # for the handlers

    @property
    def environment(self) -> dict[str, str]:
        ca_file = str(self._ca_file)
        return {
            "HTTPS_PROXY": f"http://127.0.0.1:{self.http_server.server_port}",
            "NO_PROXY": "127.0.0.1,localhost",
            "SSL_CERT_FILE": ca_file,
            "SSL_CERT_DIR": "",
            "REQUESTS_CA_BUNDLE": ca_file,
            "HTTPLIB2_CA_CERTS": ca_file,  # of Google's packages
        }

    def origin_of(self, host: str) -> tuple[str, int, str]:
        """Return the real host, port and path prefix of a host."""
        parts = urlsplit(self._vendo)
        assert parts.hostname
        assert parts.port
        return parts.hostname, parts.port, self._prefixes[host]

    def knows(self, host: str) -> bool:
        return host in self._prefixes

    def context(self, host: str) -> ssl.SSLContext:
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                self._authority.issue_cert(host).configure_cert(context)
                self._contexts[host] = context
            return self._contexts[host]


@contextmanager
def internet(server: LocalVendo) -> Iterator[Internet]:
    """Serve the hosts of the catalog and of Vendo while the context is open."""
    with TemporaryDirectory() as folder:
        net = Internet(server, Path(folder))
        thread = Thread(target=net.http_server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield net
        finally:
            net.http_server.shutdown()
            net.http_server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # closing it waits for running requests

    def handle_error(self, *_: object) -> None:
        """Ignore the connections that an ended program leaves behind."""


class _Proxy(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    host = ""

    def do_CONNECT(self) -> None:
        net: Internet = self.server.internet  # type: ignore[attr-defined]  # see Internet
        host = self.path.rpartition(":")[0]
        if not net.knows(host):
            self.send_error(502, f"no such host: {host}")
            return
        self.send_response(200)
        self.end_headers()
        self.connection = net.context(host).wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb", -1)
        self.wfile = self.connection.makefile("wb", 0)
        self.host = host
        self.close_connection = False

    def finish(self) -> None:
        super().finish()
        self.rfile.close()
        self.connection.close()  # TLS has replaced the server's own socket

    def _forward(self) -> None:
        net: Internet = self.server.internet  # type: ignore[attr-defined]  # see Internet
        host, port, prefix = net.origin_of(self.host)
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else None
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        headers["Host"] = f"{host}:{port}"
        upstream = http.client.HTTPConnection(host, port)
        try:
            upstream.request(self.command, prefix + self.path, body, headers)
            response = upstream.getresponse()
            self.send_response_only(response.status, response.reason)
            for name, value in response.getheaders():
                if name.lower() not in _HOP_BY_HOP:
                    self.send_header(name, value)
            if response.length is None:
                self.send_header("Connection", "close")
                self.close_connection = True
            self.end_headers()
            while chunk := response.read1(64 * 1024):
                self.wfile.write(chunk)
        finally:
            upstream.close()

    def __getattr__(self, name: str) -> Callable[[], None]:
        if name.startswith("do_"):
            return self._forward
        raise AttributeError(name)

    def log_message(self, *args: object) -> None:
        """Print nothing: the tests check what programs print."""
