"""No caller waits for a fetch of a loop that cannot finish it: blocked by the caller, or ended."""

from __future__ import annotations

import asyncio
import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from vendo import Vendo
from vendo._client import platform_flows
from vendo._tokens import cache as token_cache
from vendo._tokens import flights
from vendo._transports import async_driver
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from vendo.testing._state.gates import Gate

#: Seconds. A wait that cannot succeed takes longer than `PROMPT`, but not for ever.
TIMEOUT = 20.0
PROMPT = TIMEOUT / 2


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail", "openai", "slack"]) as server:
        yield server


@pytest.fixture
def client(server: LocalVendo) -> Iterator[Vendo]:
    with server.client(timeout=PROMPT) as client:
        yield client


async def _in_thread(call: Callable[[], object]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, call)


def _release_after(gate: Gate, n: int) -> None:
    gate.wait_for(n)
    gate.release()


def _session_status(client: Vendo, server: LocalVendo) -> int:
    with client.session("gmail", base_url=server.provider_url("gmail")) as session:
        return session.get("/echo").status_code


TOKEN_CALLS: dict[str, Callable[[Any, LocalVendo], tuple[object, object]]] = {
    "token": lambda client, server: (client.token("gmail"), server.token("gmail")),
    "tokens": lambda client, server: (
        client.tokens(["gmail", "slack"]),
        {"gmail": server.token("gmail"), "slack": server.token("slack")},
    ),
    "session": lambda client, server: (_session_status(client, server), 200),
}


@pytest.mark.parametrize("call", TOKEN_CALLS)
@pytest.mark.parametrize("transport", ["aiohttp", "threads"])
def test_a_blocking_call_does_not_wait_for_the_loop_that_it_blocks(
    server: LocalVendo, client: Vendo, transport: Any, call: str
) -> None:
    async def main() -> None:
        async with server.async_client(transport=transport) as asynchronous:
            with server.hold("credentials") as gate, ThreadPoolExecutor(1) as pool:
                task = asyncio.create_task(asynchronous.token("gmail"))
                await _in_thread(gate.wait_for)
                released = pool.submit(_release_after, gate, 2)
                got, expected = TOKEN_CALLS[call](client, server)
                assert got == expected
                released.result()
                assert await task == server.token("gmail")

    asyncio.run(main())
    # One for the task and one for the blocking call, whose bulk request had the rest.
    assert server.count("credentials") == (3 if call == "tokens" else 2)


def test_blocking_call_does_not_wait_for_a_shared_list_of_the_blocked_loop(
    server: LocalVendo, client: Vendo
) -> None:
    async def main() -> None:
        async with server.async_client() as asynchronous:
            with server.hold("api") as gate, ThreadPoolExecutor(1) as pool:
                tasks = [asyncio.create_task(asynchronous.connections.list()) for _ in range(3)]
                await _in_thread(gate.wait_for)
                released = pool.submit(_release_after, gate, 2)
                rows = client.connections.list()
                released.result()
                assert await asyncio.gather(*tasks) == [rows] * 3

    asyncio.run(main())
    assert server.count("api") == 2


def test_tasks_of_a_blocked_loop_use_the_blocking_calls_token(
    server: LocalVendo, client: Vendo
) -> None:
    async def main() -> None:
        async with server.async_client() as asynchronous:
            with server.hold("credentials") as gate, ThreadPoolExecutor(1) as pool:
                tasks = [asyncio.create_task(asynchronous.token("gmail")) for _ in range(20)]
                await _in_thread(gate.wait_for)
                released = pool.submit(_release_after, gate, 2)
                token = client.token("gmail")
                released.result()
                assert set(await asyncio.gather(*tasks)) == {token}

    asyncio.run(main())
    assert server.count("credentials") == 2


def test_two_loops_that_block_each_other_are_both_served(server: LocalVendo) -> None:
    led = threading.Barrier(2)
    gates = {slug: server.hold("credentials", slug) for slug in ("gmail", "slack")}

    async def crosswise(own: str, other: str) -> list[str]:
        async with server.async_client(timeout=TIMEOUT) as asynchronous:
            task = asyncio.create_task(asynchronous.token(own))
            await _in_thread(gates[own].wait_for)
            led.wait(TIMEOUT)
            with server.client(timeout=PROMPT) as blocking:
                tokens = [blocking.token(other)]
            return [await task, *tokens]

    with ThreadPoolExecutor(2) as pool:
        one = pool.submit(asyncio.run, crosswise("gmail", "slack"))
        two = pool.submit(asyncio.run, crosswise("slack", "gmail"))
        for gate in gates.values():
            gate.wait_for(2)
        for gate in gates.values():
            gate.release()
        tokens = [server.token("gmail"), server.token("slack")]
        assert one.result() == tokens
        assert two.result() == tokens[::-1]


class AbandonedLoop:
    """An event loop that was left during its calls, and is closed by `close()`."""

    def __init__(self, server: LocalVendo) -> None:
        self.loop = asyncio.new_event_loop()
        self.asynchronous = server.async_client(transport="threads")
        self.gate = server.hold("any")
        self.loop.run_until_complete(self._begin())

    async def _begin(self) -> None:
        for call in (self.asynchronous.token("gmail"), self.asynchronous.connections.list()):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(call, 0.01)
        await _in_thread(lambda: self.gate.wait_for(2))

    def close(self) -> None:
        self.loop.run_until_complete(self.loop.shutdown_default_executor())
        self.loop.close()


@pytest.fixture
def left(server: LocalVendo) -> Iterator[AbandonedLoop]:
    left = AbandonedLoop(server)
    yield left
    left.gate.release()
    if not left.loop.is_closed():
        left.close()
    async_driver._drop_ended_loops()


@pytest.mark.parametrize("closed", [True, False])
def test_blocking_call_does_not_wait_for_an_abandoned_loop(
    server: LocalVendo, client: Vendo, left: AbandonedLoop, closed: bool
) -> None:
    if closed:
        left.close()
    with ThreadPoolExecutor(1) as pool:
        released = pool.submit(_release_after, left.gate, 3)
        assert client.token("gmail") == server.token("gmail")
        released.result()
    assert client.connections.connected_slugs() == ["gmail", "openai", "slack"]


def test_task_does_not_wait_for_an_abandoned_loop(server: LocalVendo, left: AbandonedLoop) -> None:
    left.close()

    async def main() -> None:
        async with server.async_client(timeout=PROMPT) as asynchronous:
            calls = [asynchronous.token("gmail") for _ in range(5)]
            tasks = [asyncio.create_task(call) for call in calls]
            rows = asyncio.create_task(asynchronous.connections.connected_slugs())
            await _in_thread(lambda: _release_after(left.gate, 4))
            assert set(await asyncio.gather(*tasks)) == {server.token("gmail")}
            assert await rows == ["gmail", "openai", "slack"]

    asyncio.run(main())
    assert server.count("credentials") == server.count("api") == 2


@pytest.fixture
def joined(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """An event that is set once a caller waits for a fetch of a token."""
    joined = threading.Event()
    begin = flights.Flight.awaited

    def awaited(flight: flights.Flight) -> None:
        begin(flight)
        joined.set()

    monkeypatch.setattr(flights.Flight, "awaited", awaited)
    return joined


@pytest.mark.parametrize("way", ["thread", "loop"])
def test_waiting_caller_takes_over_from_a_loop_that_ends(
    server: LocalVendo, client: Vendo, joined: threading.Event, way: str
) -> None:
    async def elsewhere() -> str:
        async with server.async_client(timeout=PROMPT) as asynchronous:
            return await asynchronous.token("gmail")

    asynchronous = server.async_client(transport="threads")
    task: asyncio.Task[str]

    async def lead() -> Future[str]:
        nonlocal task
        task = asyncio.create_task(asynchronous.token("gmail"))
        await _in_thread(gate.wait_for)
        waiting = (
            pool.submit(client.token, "gmail")
            if way == "thread"
            else pool.submit(asyncio.run, elsewhere())
        )
        await _in_thread(lambda: joined.wait(TIMEOUT))
        return waiting

    loop = asyncio.new_event_loop()
    with ThreadPoolExecutor(1) as pool, server.hold("credentials") as gate:
        waiting = loop.run_until_complete(lead())
        gate.wait_for(2)
        gate.release()
        assert waiting.result() == server.token("gmail")
    assert loop.run_until_complete(task) == server.token("gmail")  # it may continue after all
    loop.run_until_complete(loop.shutdown_default_executor())
    loop.run_until_complete(asynchronous.aclose())
    loop.close()
    assert server.count("credentials") == 2


def test_nothing_is_kept_of_a_loop_closed_during_a_call(
    server: LocalVendo, left: AbandonedLoop, caplog: pytest.LogCaptureFixture
) -> None:
    gc.collect()  # what earlier tests left
    token_cache.shared.clear()
    caplog.clear()
    left.close()
    assert left.loop in async_driver._spawned
    left.gate.release()

    async def main() -> None:
        async with server.async_client() as asynchronous:
            await asynchronous.token("openai")

    asyncio.run(main())
    gc.collect()
    assert async_driver._spawned == {}
    assert token_cache.shared._flights == {}
    assert platform_flows._shared_calls._in_flight == {}
    assert caplog.text == ""  # asyncio logs nothing
