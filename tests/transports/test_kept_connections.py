"""Connections are kept, reused while they are good, and closed when they are not."""

from __future__ import annotations

import asyncio
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from socket import SO_LINGER, SOL_SOCKET
from threading import Event
from typing import TYPE_CHECKING, Any

import pytest

from support.raw_server import Keep, RawServer, http
from support.ways import WAYS, Way, run, set_share_for_the_first_byte
from vendo import RetryPolicy, UpstreamConnectionError, Vendo
from vendo._transports import blocking
from vendo._transports.blocking import BlockingTransport

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from vendo.testing import LocalVendo

ONCE = RetryPolicy(1)
BALANCE = http(b'{"credits_remaining_micros": 5}')


def repeated(way: Way, times: int, *, between: Callable[[], object] = lambda: None) -> Any:
    """Return a function that reads the balance several times."""

    def block(client: Any) -> list[Any]:
        results = []
        for _ in range(times):
            results.append(client.billing.balance())
            between()
        return results

    async def wait(client: Any) -> list[Any]:
        results = []
        for _ in range(times):
            results.append(await client.billing.balance())
            between()
        return results

    return block if way == "blocking" else wait


def test_consecutive_calls_share_a_connection(server: LocalVendo, way: Way) -> None:
    run(way, server._addresses(), repeated(way, 10))

    assert server.count("api") == 10
    assert server.connections_opened == 1


def test_error_responses_keep_the_connection(server: LocalVendo, way: Way) -> None:
    server.fail("api", 503, times=2)

    quick = {"retry": RetryPolicy(3, backoff=0.001)}
    run(way, {**server._addresses(), **quick}, lambda client: client.billing.balance())

    assert server.count("api") == 3
    assert server.connections_opened == 1


def test_connection_closed_while_idle_is_replaced_silently(server: LocalVendo, way: Way) -> None:
    server.fail("api", close=True, times=3)

    run(way, {**server._addresses(), "retry": ONCE}, repeated(way, 4))

    assert server.count("api") == 4
    assert server.connections_opened == 4


def test_kept_connection_that_ends_during_a_request_costs_no_try(way: Way) -> None:
    def hang_up(_: socket.socket) -> None:
        """Close at the very moment that a request comes in."""

    with RawServer(Keep(BALANCE), hang_up, Keep(BALANCE)) as server:
        results = run(way, {**server.settings(), "retry": ONCE}, repeated(way, 2))

    assert len(results) == 2
    assert len(server.requests) == 3
    assert server.connections == 2


def test_new_connection_that_ends_during_a_request_is_a_connection_error(way: Way) -> None:
    with RawServer(b"") as server, pytest.raises(ConnectionError):
        run(way, {**server.settings(), "retry": ONCE}, lambda client: client.billing.balance())
    assert len(server.requests) == 1


def test_a_connection_that_the_server_will_close_is_not_kept(way: Way) -> None:
    closing = http(b'{"credits_remaining_micros": 5}', "200 OK", "Connection: close")
    with RawServer(closing) as server:
        run(way, {**server.settings(), "retry": ONCE}, repeated(way, 3))
    assert server.connections == 3


def test_connection_with_unrequested_bytes_is_not_reused() -> None:
    """An unrequested response would be read as that of the next request."""
    more, sent = Event(), Event()

    def late(sock: socket.socket) -> None:
        sock.sendall(BALANCE)
        more.wait(10)
        sock.sendall(http(b'{"credits_remaining_micros": 666}'))
        sent.set()
        server.ended.wait()

    with RawServer(late, BALANCE) as server, Vendo(**server.settings()) as client:
        client.billing.balance()
        more.set()
        assert sent.wait(10)
        assert client.billing.balance().credits_remaining_micros == 5
        assert server.connections == 2


def test_connection_reset_while_idle_is_replaced_silently() -> None:
    idle, was_reset = Event(), Event()

    def reset(sock: socket.socket) -> None:
        sock.sendall(BALANCE)
        idle.wait(10)
        sock.setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()
        was_reset.set()

    with RawServer(reset, BALANCE) as server, Vendo(**server.settings(), retry=ONCE) as client:
        client.billing.balance()
        idle.set()
        assert was_reset.wait(10)
        assert client.billing.balance().credits_remaining_micros == 5
        assert server.connections == 2


def test_connection_that_was_idle_for_long_is_not_reused(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "MAX_IDLE_SECONDS", 0.0)

    with server.client() as client:
        client.billing.balance()
        client.billing.balance()

    assert server.connections_opened == 2


def test_threads_use_their_own_connections_and_return_them(
    server: LocalVendo,
) -> None:
    with server.client() as client:
        with server.hold("api") as gate, ThreadPoolExecutor(8) as pool:
            calls = [pool.submit(client.billing.balance) for _ in range(8)]
            gate.wait_for(8)
            assert server.connections_opened == 8
            gate.release()
            assert all(call.result() for call in calls)
        for _ in range(8):
            client.billing.balance()
        assert repr(client._opened_transport()) == "<BlockingTransport, 8 kept connections>"

    assert server.connections_opened == 8


def test_number_of_idle_connections_is_limited(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "MAX_IDLE_CONNECTIONS", 2)
    with server.client() as client:
        with server.hold("api") as gate, ThreadPoolExecutor(4) as pool:
            calls = [pool.submit(client.billing.balance) for _ in range(4)]
            gate.wait_for(4)
            gate.release()
            for call in calls:
                call.result()
        assert repr(client._opened_transport()) == "<BlockingTransport, 2 kept connections>"


def test_a_closed_client_can_be_used_again(server: LocalVendo, way: Way) -> None:
    def block(client: Any) -> Any:
        client.billing.balance()
        client.close()
        return client.billing.balance()

    async def wait(client: Any) -> Any:
        await client.billing.balance()
        await client.aclose()
        return await client.billing.balance()

    assert run(way, server._addresses(), block if way == "blocking" else wait)
    assert server.connections_opened == 2


@pytest.mark.parametrize("way", [way for way in WAYS if way != "blocking"])
def test_call_under_way_outlives_the_closing_of_its_client(
    way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    set_share_for_the_first_byte(way, monkeypatch, 0.02)
    is_read = Event()

    def hold(sock: socket.socket) -> None:
        is_read.set()
        server.silence(sock)

    async def use(client: Any) -> Any:
        await client.billing.balance()
        call = asyncio.create_task(client.billing.balance())
        await asyncio.to_thread(is_read.wait, 10)
        await client.aclose()
        return await call

    server = RawServer(Keep(BALANCE), hold, BALANCE)
    with server:
        balance = run(way, {"retry": ONCE, "timeout": 30, **server.settings()}, use)
        assert balance.credits_remaining_micros == 5


def test_clients_scoped_to_users_share_the_connections_of_their_parent(
    server: LocalVendo, way: Way
) -> None:
    def block(client: Any) -> None:
        for jwt in ("one.jwt.x", "two.jwt.x"):
            scoped = client.for_user(jwt)
            scoped.token("gmail")
            scoped.close()

    async def wait(client: Any) -> None:
        for jwt in ("one.jwt.x", "two.jwt.x"):
            scoped = client.for_user(jwt)
            await scoped.token("gmail")
            await scoped.aclose()

    run(way, server._addresses(), block if way == "blocking" else wait)
    assert [request.headers["X-Vendo-User-JWT"] for request in server.requests] == [
        "one.jwt.x",
        "two.jwt.x",
    ]
    assert server.connections_opened == 1


def test_missing_server_is_a_connection_error_with_a_fix(
    way: Way,
) -> None:
    with RawServer(b"") as server:
        settings = {**server.settings(), "retry": ONCE}
    with pytest.raises(UpstreamConnectionError, match="Connection refused") as caught:
        run(way, settings, lambda client: client.billing.balance())

    assert settings["base_url"] in caught.value.message
    assert "python -m vendo serve" in (caught.value.suggested_fix or "")
    assert isinstance(caught.value, ConnectionError)


def test_address_of_ipv6_is_named_as_in_a_url(way: Way) -> None:
    settings = {"api_key": "vendo_sk_" + "k" * 32, "credentials_url": "http://[::1]:9"}
    with pytest.raises(UpstreamConnectionError, match=r"http://\[::1\]:9 cannot be reached"):
        run(way, {**settings, "retry": ONCE}, lambda client: client.token("gmail"))


def test_a_host_without_an_address_is_a_connection_error(way: Way) -> None:
    settings: dict[str, Any] = {
        "api_key": "vendo_sk_x",
        "base_url": "https://nosuch.invalid",
        "retry": ONCE,
    }
    with pytest.raises(ConnectionError, match=r"https://nosuch\.invalid:443"):
        run(way, {**settings, "retry": ONCE}, lambda client: client.billing.balance())


def test_client_works_after_an_interrupted_call(
    server: LocalVendo,
) -> None:
    import os
    import signal
    from threading import Thread

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        with server.client() as client, server.hold("api") as gate:
            client.connections.list  # noqa: B018  # the module is imported before the interrupt

            def send() -> None:
                gate.wait_for(1)
                os.kill(os.getpid(), signal.SIGUSR1)

            sender = Thread(target=send)
            sender.start()
            with pytest.raises(KeyboardInterrupt):
                client.billing.balance()
            sender.join()
            gate.release()
            assert client.billing.balance()
            assert client.token("gmail") == server.token("gmail")
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert server.connections_opened == 2


PROGRAM = """
import vendo
print(vendo.token("gmail"), vendo.billing.balance().currency, vendo.Vendo().token("openai"))
vendo.events.subscribe()
"""


def test_nothing_stays_open_when_a_program_ends(server: LocalVendo) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", PROGRAM],
        env=server.environment() | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stderr == ""
    assert done.stdout.split() == [server.token("gmail"), "USD", server.token("openai")]


def test_unused_transport_opens_nothing(server: LocalVendo) -> None:
    with server.client() as client:
        client.is_vendo_mode()
        client.connect_url("gmail")
    assert server.connections_opened == 0
    BlockingTransport().close()
