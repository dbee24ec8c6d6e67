"""A signal handler may call any public function, whatever its thread is doing."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from support.raw_server import Keep, RawServer
from vendo import RetryPolicy, Vendo
from vendo._protocol.moments import elapsed

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

HERE = str(Path(vendo.__file__).parent)
#: One of so many lines is interrupted, the first time that it runs.
STRIDE = 3


def another_token(client: Vendo) -> str:
    client.invalidate("slack")
    return client.token("slack")


CALLS: dict[str, Callable[[Vendo], object]] = {
    "token": lambda client: client.token("openai"),
    "tokens": lambda client: client.tokens(["openai", "gmail"]),
    "connections": lambda client: client.connections.list(),
}
HANDLERS: dict[str, Callable[[Vendo], object]] = {
    **CALLS,
    "another token": another_token,
    "invalidate": lambda client: client.invalidate("openai"),
    "close": lambda client: client.close(),
}


class Interruption:
    """Call a handler at a line of this library. A signal handler runs between two like these."""

    def __init__(self, line: tuple[str, int], handler: Callable[[], object]) -> None:
        self._path, self._number = line
        self._handler = handler
        self.has_run = False
        self.outcome: object = None

    def trace(self, frame: Any, _event: str, _argument: object) -> Any:
        return self._line if frame.f_code.co_filename == self._path else None

    def _line(self, frame: Any, _event: str, _argument: object) -> Any:
        if frame.f_lineno == self._number and not self.has_run:
            self.has_run = True
            sys.settrace(None)
            try:
                self.outcome = self._handler()
            except BaseException:  # noqa: BLE001  # the test reports it
                self.outcome = traceback.format_exc()
        return self._line


def traced(trace: Any, client: Vendo, call: str) -> object:
    """Call the library with tokens to fetch, and with a function that sees its lines."""
    client.invalidate("openai")
    client.invalidate("gmail")
    before = sys.gettrace()
    sys.settrace(trace)
    try:
        return CALLS[call](client)
    finally:
        sys.settrace(before)


def lines_of(client: Vendo, call: str) -> list[tuple[str, int]]:
    """Return the path and number of each line that a call runs, in the order of its first time."""
    lines: dict[tuple[str, int], None] = {}

    def line(frame: Any, _event: str, _argument: object) -> Any:
        lines[frame.f_code.co_filename, frame.f_lineno] = None
        return line

    def trace(frame: Any, _event: str, _argument: object) -> Any:
        path = frame.f_code.co_filename
        return line if path.startswith(HERE) and "testing" not in path else None

    traced(trace, client, call)
    return list(lines)


@pytest.mark.parametrize("handler", HANDLERS)
@pytest.mark.parametrize("call", CALLS)
def test_handler_and_what_it_interrupts_both_end_immediately(
    server: LocalVendo, call: str, handler: str
) -> None:
    interrupted = 0
    with server.client(timeout=10, retry=RetryPolicy(1)) as client:
        CALLS[call](client)  # what is imported at first use is imported
        HANDLERS[handler](client)
        for line in lines_of(client, call)[::STRIDE]:
            interruption = Interruption(line, lambda: HANDLERS[handler](client))
            begun = elapsed()
            result = traced(interruption.trace, client, call)
            assert elapsed() - begun < 5, line
            assert "Traceback" not in str(interruption.outcome), line
            if call == "token":
                assert result == server.token("openai"), line
            if handler == "token" and interruption.has_run:
                assert interruption.outcome == server.token("openai"), line
            interrupted += interruption.has_run
    assert interrupted > 80


def run(program: str, **environment: str) -> list[str]:
    """Run a program that is interrupted, and return its output."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


CLOSING = """
import signal, sys, time
import vendo

stream = vendo.events.subscribe()
signal.signal(signal.SIGALRM, lambda *_: stream.close())
signal.setitimer(signal.ITIMER_REAL, 0.5)
begun = time.monotonic()
events = sum(1 for _ in stream)
print(events, time.monotonic() - begun < 5)
"""


def environment_of(url: str) -> dict[str, str]:
    return {"VENDO_API_KEY": "vendo_sk_" + "r" * 32, "VENDO_BASE_URL": url}


def test_handler_ends_a_loop_that_waits_for_an_event(server: LocalVendo) -> None:
    assert run(CLOSING, **server.environment()) == ["0", "True"]


HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"


@pytest.mark.parametrize(
    "reply",
    [
        None,
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"HTTP/1.1 200 O",
        HEAD,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nda",
        HEAD + b"Connection: close\r\n\r\ndata:",
    ],
    ids=["nothing", "interim", "status", "headers", "chunk", "event"],
)
def test_handler_ends_a_loop_wherever_the_server_hangs(reply: bytes | None) -> None:
    with RawServer() as server:
        server._replies = [server.silence if reply is None else Keep(reply)]
        assert run(CLOSING, **environment_of(server.url)) == ["0", "True"]


def test_handler_ends_a_loop_that_pauses_or_connects() -> None:
    with RawServer(b"HTTP/1.1 503 No\r\nRetry-After: 60\r\nContent-Length: 0\r\n\r\n") as server:
        assert run(CLOSING, **environment_of(server.url)) == ["0", "True"]
    assert run(CLOSING, **environment_of(server_that_swallows())) == ["0", "True"]


def server_that_swallows() -> str:
    """Return an address whose packets are lost (RFC 5737), or that cannot be reached."""
    return "https://192.0.2.1"


ASKING = """
import signal, time
import vendo

tokens = []
vendo.token("openai")  # loads the parts of the library
signal.signal(signal.SIGALRM, lambda *_: tokens.append(vendo.token("gmail")))
signal.setitimer(signal.ITIMER_REAL, 0.5)
tokens.append(vendo.token("gmail"))
print(*tokens)
"""


def test_handler_gets_the_token_that_its_own_thread_is_fetching(server: LocalVendo) -> None:
    server.fail("credentials", slug="gmail", latency=3.0)
    token = server.token("gmail")

    assert run(ASKING, **server.environment()) == [token, token]
