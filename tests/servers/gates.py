"""A gate holds the handling of a webhook until the test lets it pass."""

from __future__ import annotations

import os
import signal
import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Gate:
    """Waits for a process that handles an event, and holds it there."""

    def __init__(self, listener: socket.socket) -> None:
        self._listener = listener
        #: The event's `data` has it under `gate`.
        self.port: int = listener.getsockname()[1]

    @contextmanager
    def holding(self) -> Iterator[int]:
        """Wait until a process has come to the gate, and yield its id. At the end let it pass."""
        held, _ = self._listener.accept()
        held.settimeout(30)
        with held, held.makefile("r") as lines:
            yield int(lines.readline())

    def kill(self) -> None:
        """Wait until a process has come to the gate, and kill it."""
        with self.holding() as process:
            os.kill(process, signal.SIGKILL)


@contextmanager
def gate() -> Iterator[Gate]:
    """Build a gate."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(30)
        yield Gate(listener)
