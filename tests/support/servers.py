"""Real servers of applications, each a process on a port of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TESTS = Path(__file__).parents[1]


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of a program that imports the applications of these tests."""
    return {**os.environ, **environment, "PYTHONPATH": str(_TESTS)}


@contextmanager
def serving(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    end: signal.Signals = signal.SIGTERM,
) -> Iterator[str]:
    """The address of a server, which a signal ends. `{port}` in its command is the one to take.

    Raises:
        AssertionError: it did not start, or it wrote of an error, of something that was not
            closed, or of its API key.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "server.log"
    with (
        log.open("wb") as output,
        subprocess.Popen(
            [
                *(sys.executable, "-W", "default::ResourceWarning", "-m"),
                *(argument.format(port=port) for argument in command),
            ],
            cwd=folder,
            env=surroundings(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        ) as process,
    ):
        try:
            _wait_for(port, process, log)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.send_signal(end)
            process.wait(30)
    written = log.read_text()
    # aiohttp says "Unclosed" of what nobody closed.
    for complaint in ("Traceback", "Unclosed", "ResourceWarning", environment["VENDO_API_KEY"]):
        assert complaint not in written, written


def _wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # a port has nothing to wait on
    raise AssertionError(log.read_text())
