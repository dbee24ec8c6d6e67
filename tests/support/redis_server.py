"""A real Redis, on a port of its own."""

from __future__ import annotations

import socket
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def redis_server(folder: Path) -> Iterator[int]:
    """Run a Redis that stores nothing until the context ends, and yield its port.

    Raises:
        AssertionError: it did not start.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", ""],
        cwd=folder,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        try:
            log = ""
            for line in process.stdout:
                log += line
                if "Ready to accept connections" in line:
                    break
            else:
                raise AssertionError(log)
            yield port
        finally:
            process.terminate()
            process.communicate(timeout=30)
