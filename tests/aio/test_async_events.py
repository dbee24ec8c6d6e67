"""Event streams for asyncio code, over both transports."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Literal

import pytest

from vendo import (
    AsyncVendo,
    AuthError,
    UpstreamError,
    ValidationError,
    VendoOnlyFeature,
    aio,
)
from vendo._protocol import subscription
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Coroutine, Iterator

    Transport = Literal["aiohttp", "threads"]


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail"]) as server:
        yield server


@pytest.fixture(params=["aiohttp", "threads"])
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subscription, "FIRST_BACKOFF", 0.01)


def run(
    server: LocalVendo,
    transport: Transport,
    use: Callable[[AsyncVendo], Coroutine[Any, Any, object]],
) -> None:
    async def main() -> None:
        async with server.async_client(transport=transport) as client:
            async with asyncio.timeout(20):
                await use(client)

    asyncio.run(main())
    gc.collect()


async def thread(call: Callable[[], object]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, call)


async def emitted(server: LocalVendo, *kinds: str) -> None:
    """Emit events once a stream is open."""
    await thread(lambda: server.wait_for_streams(1))
    for kind in kinds:
        server.emit(kind)


def test_events_are_delivered_in_order_and_once(server: LocalVendo, transport: Transport) -> None:
    async def use(client: AsyncVendo) -> None:
        async with client.events.subscribe() as events, asyncio.TaskGroup() as group:
            group.create_task(emitted(server, "a.1", "connection.changed", "a.2"))
            kinds = [(await anext(events)).type for _ in range(3)]
            assert kinds == ["a.1", "connection.changed", "a.2"]
        await thread(lambda: server.wait_for_streams(0))

    run(server, transport, use)


def test_broken_stream_resumes_after_the_last_received_event(
    server: LocalVendo, transport: Transport
) -> None:
    async def use(client: AsyncVendo) -> None:
        async with client.events.subscribe() as events:
            async with asyncio.TaskGroup() as group:
                group.create_task(emitted(server, "a.first"))
                first = await anext(events)
            await thread(server.stop)
            await thread(server.start)
            server.emit("a.second")
            assert (await anext(events)).type == "a.second"
        requests = [request for request in server.requests if request.surface == "events"]
        assert requests[-1].headers["Last-Event-ID"] == first.id

    run(server, transport, use)


def test_stream_that_is_cut_or_reset_is_reopened(server: LocalVendo, transport: Transport) -> None:
    whole = "id: 1\nevent: a.1\ndata: {}\n\nid: 2\nevent: a.2\ndata: {}\n\n"
    server.fail("events", body=whole, truncate=len(whole) - 2)
    server.fail("events", body=whole, reset_after=3)
    server.fail("events", reset=True)
    server.fail("events", 503, retry_after=0)
    server.fail("events", body=whole)
    server.fail("events", 204)

    async def use(client: AsyncVendo) -> None:
        assert [event.type async for event in client.events.subscribe()] == ["a.1", "a.2"]

    run(server, transport, use)
    assert server.count("events") == 6


def test_permanent_error_is_raised_and_ends_the_iteration(
    server: LocalVendo, transport: Transport
) -> None:
    server.revoke_key()

    async def use(client: AsyncVendo) -> None:
        events = client.events.subscribe()
        with pytest.raises(AuthError) as caught:
            await anext(events)
        assert (caught.value.code, caught.value.status) == ("app_unknown", 401)
        assert [event async for event in events] == []

    run(server, transport, use)


def test_response_that_is_not_a_stream_is_raised(server: LocalVendo, transport: Transport) -> None:
    server.fail("events", html=True)

    async def use(client: AsyncVendo) -> None:
        with pytest.raises(UpstreamError, match="not an event stream"):
            await anext(client.events.subscribe())

    run(server, transport, use)


def test_silent_stream_is_reconnected(
    server: LocalVendo, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "MAX_SILENCE", 0.1)

    async def emit(arrived: asyncio.Event) -> None:
        await thread(lambda: server.wait_for_requests(2, "events"))
        while not arrived.is_set():  # an abandoned one may still be open
            server.emit("a.b")
            await asyncio.sleep(0.02)

    async def use(client: AsyncVendo) -> None:
        async with client.events.subscribe() as events, asyncio.TaskGroup() as group:
            arrived = asyncio.Event()
            group.create_task(emit(arrived))
            assert (await anext(events)).type == "a.b"
            arrived.set()

    run(server, transport, use)


def test_missing_response_head_is_reconnected(server: LocalVendo, transport: Transport) -> None:
    async def use(_: AsyncVendo) -> None:
        async with server.async_client(transport=transport, timeout=0.5) as client:
            with server.hold("events") as gate:
                async with client.events.subscribe() as events, asyncio.TaskGroup() as group:
                    arrived = asyncio.Event()

                    async def go_on() -> None:
                        await thread(lambda: gate.wait_for(2))  # it reconnected by itself
                        gate.release()
                        while not arrived.is_set():  # an abandoned one may still be open
                            server.emit("a.b")
                            await asyncio.sleep(0.02)

                    group.create_task(go_on())
                    assert (await anext(events)).type == "a.b"
                    arrived.set()

    run(server, transport, use)


@pytest.mark.parametrize("how", ["break", "aclose", "with", "error", "cancel", "del"])
def test_ending_the_iteration_closes_the_connection(
    server: LocalVendo, transport: Transport, how: str
) -> None:
    async def iterate(events: AsyncIterator[object]) -> None:
        async for _ in events:
            if how == "break":
                break
            if how == "error":
                raise ZeroDivisionError

    async def use(client: AsyncVendo) -> None:
        if how == "cancel":
            task = asyncio.create_task(iterate(client.events.subscribe()))
            await thread(lambda: server.wait_for_streams(1))
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            del task
        elif how in {"break", "error"}:
            task = asyncio.create_task(iterate(client.events.subscribe()))
            await emitted(server, "a.b")
            outcome = (await asyncio.gather(task, return_exceptions=True))[0]
            assert isinstance(outcome, ZeroDivisionError if how == "error" else type(None))
            del outcome, task
        elif how == "with":
            async with client.events.subscribe() as events, asyncio.TaskGroup() as group:
                group.create_task(emitted(server, "a.b"))
                await anext(events)
        else:
            events = client.events.subscribe()
            async with asyncio.TaskGroup() as group:
                group.create_task(emitted(server, "a.b"))
                await anext(events)
            if how == "aclose":
                await events.aclose()
                await events.aclose()
                assert [event async for event in events] == []
            del events
        gc.collect()
        await thread(lambda: server.wait_for_streams(0))

    run(server, transport, use)


def test_closing_from_another_task_ends_a_wait_for_the_next_event(
    server: LocalVendo, transport: Transport
) -> None:
    async def use(client: AsyncVendo) -> None:
        events = client.events.subscribe()
        waiting = asyncio.create_task(anext(events, None))
        await thread(lambda: server.wait_for_streams(1))
        await events.aclose()
        assert await waiting is None
        await thread(lambda: server.wait_for_streams(0))

    run(server, transport, use)


def test_closing_from_another_task_ends_a_pause(server: LocalVendo, transport: Transport) -> None:
    server.fail("events", 503, retry_after=600, times=None)

    async def use(client: AsyncVendo) -> None:
        events = client.events.subscribe()
        waiting = asyncio.create_task(anext(events, None))
        while events._pause is None:  # noqa: ASYNC110  # nothing signals that a pause has begun
            await asyncio.sleep(0)
        await events.aclose()
        assert await waiting is None

    run(server, transport, use)


def test_connection_established_after_the_close_is_closed(
    server: LocalVendo, transport: Transport
) -> None:
    async def use(client: AsyncVendo) -> None:
        with server.hold("events") as gate:
            events = client.events.subscribe()
            waiting = asyncio.create_task(anext(events, None))
            await thread(gate.wait_for)
            await events.aclose()
            gate.release()
            assert await waiting is None
        await thread(lambda: server.wait_for_streams(0))

    run(server, transport, use)
    assert server.count("events") == 1


def test_task_cancelled_while_connecting_leaves_no_connection(
    server: LocalVendo, transport: Transport
) -> None:
    async def use(client: AsyncVendo) -> None:
        with server.hold("events") as gate:
            waiting = asyncio.create_task(anext(client.events.subscribe()))
            await thread(gate.wait_for)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting
            gate.release()
        await thread(lambda: server.wait_for_streams(0))

    run(server, transport, use)


def test_many_streams_and_calls_share_a_loop(server: LocalVendo, transport: Transport) -> None:
    async def use(client: AsyncVendo) -> None:
        streams = [client.events.subscribe() for _ in range(5)]
        waiting = [asyncio.create_task(anext(stream)) for stream in streams]
        await thread(lambda: server.wait_for_streams(5))
        assert await client.token("gmail") == server.token("gmail")
        server.emit("a.b")
        assert [event.type for event in await asyncio.gather(*waiting)] == ["a.b"] * 5
        for stream in streams:
            await stream.aclose()
        await thread(lambda: server.wait_for_streams(0))

    run(server, transport, use)


def test_invalid_longest_pause_is_an_error_at_the_call(
    server: LocalVendo, transport: Transport
) -> None:
    client = server.async_client(transport=transport)
    with pytest.raises(ValidationError, match="max_backoff_sec="):
        client.events.subscribe(max_backoff_sec=0)


def test_without_a_key_the_call_itself_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VENDO_API_KEY", raising=False)
    with pytest.raises(VendoOnlyFeature, match=r"events\.subscribe"):
        aio.client().events.subscribe()
    with pytest.raises(VendoOnlyFeature, match=r"events\.watch"):
        aio.client().events.watch()


INTERRUPTED = """
import asyncio, sys
import vendo

async def main():
    async with vendo.AsyncVendo(transport=sys.argv[1]) as client:
        async for event in client.events.subscribe():
            print(event.type, flush=True)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_ctrl_c_ends_a_stream_immediately(server: LocalVendo, transport: Transport) -> None:
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-c", INTERRUPTED, transport],
        env=server.environment() | {"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            server.wait_for_streams(1, timeout=20)
            server.emit("a.b")
            assert process.stdout
            assert process.stdout.readline() == "a.b\n"
            os.kill(process.pid, signal.SIGINT)
            out, err = process.communicate(timeout=10)
        finally:
            process.kill()
    assert (out, err, process.returncode) == ("interrupted\n", "", 0)
    server.wait_for_streams(0)


@pytest.mark.parametrize("how", ["closed", "cancelled"])
def test_stream_that_is_being_opened_ends_when_it_is_closed_or_cancelled(
    server: LocalVendo, transport: Transport, how: str
) -> None:
    server.fail("events", latency=60.0)

    async def use(client: AsyncVendo) -> None:
        events = client.events.subscribe()
        reading = asyncio.create_task(anext(events, None))
        await thread(lambda: server.wait_for_requests(1))
        if how == "closed":
            await events.aclose()
            assert await asyncio.wait_for(reading, 10) is None
        else:
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
        server.reset()

    run(server, transport, use)


def test_stream_that_opens_as_its_task_is_cancelled_is_closed(server: LocalVendo) -> None:
    class Opened:
        head = None
        closed = False

        def close(self) -> None:
            self.closed = True

    class Transport:
        """Opens the stream when the test says so."""

        def __init__(self) -> None:
            self.opens = asyncio.Event()
            self.stream = Opened()

        async def send(self, _request: Any) -> Any:
            """Send nothing: a client wants the method."""

        async def open(self, _request: Any) -> Any:
            await self.opens.wait()
            return self.stream

        async def aclose(self) -> None:
            """Close nothing."""

    async def main() -> bool:
        transport: Any = Transport()
        client = server.async_client(transport=transport)
        task = asyncio.ensure_future(anext(client.events.subscribe()))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        transport.opens.set()
        await asyncio.sleep(0)  # the stream is open, and the task does not know it yet
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return bool(transport.stream.closed)

    assert asyncio.run(main())
