"""A host of several addresses shares one deadline."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from vendo._transports.dialing import dial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def listener() -> Any:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def addresses(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that `many.example` resolves to."""
    found: list[str] = []
    real = socket.getaddrinfo

    def resolve(host: str, port: int, *args: Any, **kwargs: Any) -> list[Any]:
        if host != "many.example":
            return real(host, port, *args, **kwargs)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    return found


def test_the_first_address_that_accepts_a_connection_is_used(
    listener: socket.socket, addresses: list[str]
) -> None:
    addresses += ["127.0.0.3", "127.0.0.2", "127.0.0.1"]

    with dial("many.example", listener.getsockname()[1], lambda: 5.0) as sock:
        assert sock.getpeername() == listener.getsockname()


def test_the_last_connection_error_is_raised(addresses: list[str]) -> None:
    addresses += ["127.0.0.2", "127.0.0.3"]
    with pytest.raises(ConnectionRefusedError):
        dial("many.example", 9, lambda: 5.0)


def test_a_host_without_addresses_is_an_error(addresses: list[str]) -> None:
    with pytest.raises(OSError, match="no address"):
        dial("many.example", 9, lambda: 5.0)


def until(deadline: float) -> Callable[[], float]:
    def remaining() -> float:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    return remaining


@contextmanager
def unresponsive(address: str, port: int = 0) -> Iterator[int]:
    """Yield a port that neither accepts nor rejects connections: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((address, port))
        listener.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]


def test_unreachable_addresses_share_one_deadline(addresses: list[str]) -> None:
    addresses += ["127.0.0.1"] * 4
    begun = time.monotonic()
    deadline = begun + 1.5
    with unresponsive("127.0.0.1") as port, pytest.raises(TimeoutError):
        dial("many.example", port, until(deadline))

    assert time.monotonic() - begun < 4  # one after the other would have been 6


def test_unreachable_address_leaves_time_for_the_next(
    listener: socket.socket, addresses: list[str]
) -> None:
    addresses += ["127.0.0.2", "127.0.0.1"]
    deadline = time.monotonic() + 30.0
    port = listener.getsockname()[1]
    with (
        unresponsive("127.0.0.2", port),
        dial("many.example", port, until(deadline)) as sock,
    ):
        assert sock.getpeername() == ("127.0.0.1", port)


INTERRUPTED = """
import sys
from vendo._transports.dialing import dial

def interrupt(event, _arguments):
    if event == "socket.connect":
        raise KeyboardInterrupt

sys.addaudithook(interrupt)
try:
    dial("127.0.0.1", 9, lambda: 5.0)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_leaves_no_socket_open() -> None:
    line = [sys.executable, "-X", "dev", "-W", "error", "-c", INTERRUPTED]
    done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    assert (done.stdout, done.stderr) == ("interrupted\n", "")
