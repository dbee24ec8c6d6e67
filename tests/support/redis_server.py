"""A real Redis, on a port of its own."""

from __future__ import annotations

import signal
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

from support.servers import reserved_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class RedisServer:
    """A Redis that stores nothing. It can be stopped, started again and halted."""

    def __init__(
        self, folder: Path, port: int, options: Sequence[str] = (), *, is_tls: bool = False
    ) -> None:
        self._folder = folder
        self._options = options
        self._is_tls = is_tls
        self._process: subprocess.Popen[str] | None = None
        self.port = port

    def start(self) -> None:
        """Start it, empty, on the port that it always has.

        Raises:
            AssertionError: it did not start.
        """
        assert self._process is None
        where = ["--port", str(self.port), "--bind", "127.0.0.1"]
        if self._is_tls:
            where = ["--port", "0", "--tls-port", str(self.port), "--bind", "127.0.0.1"]
            where += ["--tls-cert-file", "server.pem", "--tls-key-file", "server.pem"]
            where += ["--tls-ca-cert-file", "authority.pem", "--tls-auth-clients", "no"]
        self._process = subprocess.Popen(
            ["redis-server", *where, "--save", "", *self._options],
            cwd=self._folder,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout
        log = ""
        for line in self._process.stdout:
            log += line
            if "Ready to accept connections" in line:
                return
        self.stop()
        raise AssertionError(log)

    def stop(self) -> None:
        """Stop it, if it runs. New connections are refused."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate(timeout=30)
            self._process = None

    @contextmanager
    def halted(self) -> Iterator[None]:
        """Have it respond to nothing. Its system still accepts connections for it."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self._process.send_signal(signal.SIGCONT)


@contextmanager
def redis_server(folder: Path, *options: str, is_tls: bool = False) -> Iterator[RedisServer]:
    """Run a Redis with these options until the context ends.

    With `is_tls` it speaks TLS alone, with `server.pem` and `authority.pem` of the folder.

    Raises:
        AssertionError: it did not start.
    """
    with reserved_port() as port:
        server = RedisServer(folder, port, options, is_tls=is_tls)
        server.start()
        try:
            yield server
        finally:
            server.stop()
