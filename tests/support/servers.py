"""Run application servers, each in its own process on its own port."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from support.children import Child

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TESTS = Path(__file__).parents[1]


def surroundings(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a program that imports the applications of these tests."""
    return {**os.environ, **environment, "PYTHONPATH": str(_TESTS)}


@contextmanager
def reserved_port() -> Iterator[int]:
    """Yield a port of this machine that no other program takes by chance.

    Nobody listens on it until a server does that is given its number.
    """
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])


#: Until the end of the process.
_reservations = ExitStack()
atexit.register(_reservations.close)


@cache
def nowhere() -> str:
    """Return an address of this machine where no server listens."""
    return f"http://127.0.0.1:{_reservations.enter_context(reserved_port())}"


@contextmanager
def serving(
    command: Sequence[str],
    environment: Mapping[str, str],
    folder: Path,
    end: signal.Signals = signal.SIGTERM,
    options: Sequence[str] = ("-W", "default::ResourceWarning"),
) -> Iterator[str]:
    """Run a server, yield its address, and end it with a signal. `{port}` is filled in.

    `options` are those of Python.

    Raises:
        AssertionError: it did not start, or its log has an error, something unclosed, or its
            API key.
    """
    log = folder / "server.log"
    with reserved_port() as port:
        arguments = (argument.format(port=port) for argument in command)
        whole = [sys.executable, *options, "-m", *arguments]
        with listening(whole, port, log, end, cwd=folder, env=surroundings(environment)):
            yield f"http://127.0.0.1:{port}"
    written = log.read_text()
    # aiohttp logs "Unclosed" for a session or connection that was not closed.
    for complaint in ("Traceback", "Unclosed", "ResourceWarning", environment["VENDO_API_KEY"]):
        assert complaint not in written, written


@contextmanager
def listening(
    command: Sequence[str],
    port: int,
    log: Path,
    end: signal.Signals = signal.SIGTERM,
    **options: Any,
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program that listens on a port, and end it with a signal.

    `options` are those of `Popen`. Its log is a file.

    Raises:
        AssertionError: it did not start.
    """
    with (
        log.open("wb") as output,
        Child[bytes](
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **options
        ) as process,
    ):
        try:
            wait_for_port(port, process, log)
            yield process
        finally:
            process.send_signal(end)
            process.wait(60)
            # uWSGI without its master leaves its other workers behind.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


def wait_for_port(port: int, process: subprocess.Popen[Any], log: Path | None = None) -> None:
    """Wait until a process listens on a port.

    Raises:
        AssertionError: it ended, or took too long. The message is its log.
    """
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)  # a port cannot be waited on
    raise AssertionError(log.read_text() if log else f"nobody listens on {port}")
