"""The blocking transport in its own threads, for asyncio on the standard library."""

from __future__ import annotations

import asyncio
import gc
import threading
from threading import Event
from typing import TYPE_CHECKING

import pytest

from vendo import UpstreamError
from vendo._protocol.steps import Request
from vendo._transports import threaded
from vendo._transports.blocking import BlockingTransport
from vendo._transports.blocking_stream import BlockingStream
from vendo._transports.threaded import ThreadedTransport, Threads

if TYPE_CHECKING:
    from vendo.testing import LocalVendo


async def in_default_thread(call: Event) -> None:
    await asyncio.get_running_loop().run_in_executor(None, call.wait, 10)


def test_result_or_error_of_a_call_is_returned() -> None:
    def fail() -> None:
        raise UpstreamError("upstream_error", "no")

    async def main() -> None:
        threads = Threads()
        assert await threads.run(lambda: 7) == 7
        with pytest.raises(UpstreamError, match="no"):
            await threads.run(fail)
        assert await threads.run(threading.current_thread) is not threading.main_thread()

    asyncio.run(main())


def test_number_of_threads_is_limited() -> None:
    async def main() -> None:
        threads, go = Threads(most=3), Event()
        assert await threads.run(lambda: threads._threads) == 1
        calls = [asyncio.create_task(threads.run(go.wait)) for _ in range(10)]
        await asyncio.sleep(0)
        assert threads._threads == 3
        go.set()
        assert await asyncio.gather(*calls) == [True] * 10
        assert threads._threads <= 3

    asyncio.run(main())


def test_idle_threads_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threaded, "IDLE_SECONDS", 0.01)

    async def main() -> None:
        threads = Threads()
        thread = await threads.run(threading.current_thread)
        await asyncio.get_running_loop().run_in_executor(None, thread.join, 10)
        assert not thread.is_alive()
        assert threads._threads == 0
        assert await threads.run(lambda: 1) == 1

    asyncio.run(main())


def test_threads_do_not_keep_a_program_running() -> None:
    async def main() -> bool:
        thread = await Threads().run(threading.current_thread)
        return thread.daemon

    assert asyncio.run(main())


def test_cancelled_caller_returns_immediately_and_the_result_is_disposed() -> None:
    async def main() -> None:
        threads, begun, go, dropped = Threads(), Event(), Event(), Event()

        def call() -> str:
            begun.set()
            go.wait(10)
            return "a connection"

        given: list[str] = []

        def unwanted(result: str) -> None:
            given.append(result)
            dropped.set()

        task = asyncio.create_task(threads.run(call, unwanted))
        await in_default_thread(begun)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert not given
        go.set()
        await in_default_thread(dropped)
        assert given == ["a connection"]

    asyncio.run(main())


def test_result_after_the_loop_is_closed_is_disposed() -> None:
    threads, begun, go, dropped = Threads(), Event(), Event(), Event()

    def call() -> str:
        begun.set()
        go.wait(10)
        return "a connection"

    async def main() -> None:
        task = asyncio.create_task(threads.run(call, lambda _: dropped.set()))
        await in_default_thread(begun)
        assert not task.done()

    asyncio.run(main())
    go.set()
    assert dropped.wait(10)


def test_error_without_a_waiting_caller_is_dropped() -> None:
    threads, begun, go = Threads(), Event(), Event()

    def call() -> None:
        begun.set()
        go.wait(10)
        raise UpstreamError("upstream_error", "no")

    async def main() -> None:
        task = asyncio.create_task(threads.run(call, lambda _: pytest.fail("there is no result")))
        await in_default_thread(begun)
        task.cancel()
        go.set()
        assert await threads.run(lambda: 1) == 1
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(main())


def test_default_executor_of_the_loop_is_not_used(server: LocalVendo) -> None:
    async def main() -> None:
        async with server.async_client(transport="threads") as client:
            await client.token("gmail")
            await client.connections.list()
        assert asyncio.get_running_loop()._default_executor is None  # type: ignore[attr-defined]  # the one that run_in_executor(None) makes

    asyncio.run(main())


def test_closed_transport_can_be_used_again(server: LocalVendo) -> None:
    transport = ThreadedTransport()

    async def main() -> None:
        client = server.async_client(transport=transport)
        await client.billing.balance()
        await client.aclose()
        await client.billing.balance()
        await client.aclose()

    asyncio.run(main())
    assert server.connections_opened == 2
    assert repr(transport) == "<ThreadedTransport>"


def test_result_just_before_the_cancellation_is_disposed() -> None:
    async def main() -> None:
        threads, after = Threads(most=1), Event()
        given: list[str] = []
        task = asyncio.create_task(threads.run(lambda: "a connection", given.append))
        behind = asyncio.create_task(threads.run(after.set))
        await asyncio.sleep(0)
        after.wait(10)  # the loop is blocked: the outcome is there, and the task has not got it
        await asyncio.sleep(0)
        assert not task.done()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert given == ["a connection"]
        await behind

    asyncio.run(main())


def test_collected_stream_closes_its_connection(server: LocalVendo) -> None:
    url = f"{server.url}/api/deployments/me/events"
    headers = {"Authorization": f"Bearer {server.api_key}"}
    stream = BlockingStream(BlockingTransport(), Request("GET", url, headers, None, 10.0, 1000))
    assert stream.open().status == 200
    server.wait_for_streams(1)
    del stream
    gc.collect()
    server.wait_for_streams(0)
