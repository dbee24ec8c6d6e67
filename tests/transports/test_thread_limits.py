"""Where no thread can be started there is one typed error, and afterwards all works again."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vendo
from vendo import AsyncVendo, RetryPolicy, UpstreamConnectionError
from vendo._transports import resolving, threaded
from vendo.reconciler import bootstrap, start

if TYPE_CHECKING:
    from vendo.testing import LocalVendo


class Limit:
    """The system's limit of threads: the next so many starts fail."""

    left = 0


@pytest.fixture
def limit(monkeypatch: pytest.MonkeyPatch) -> Limit:
    limit, begin = Limit(), threading.Thread.start

    def begin_or_fail(thread: threading.Thread) -> None:
        if limit.left and thread.name.startswith("vendo"):
            limit.left -= 1
            raise RuntimeError("can't start new thread")
        begin(thread)

    monkeypatch.setattr(threading.Thread, "start", begin_or_fail)
    monkeypatch.setattr(threaded, "shared", threaded.Threads())
    return limit


@pytest.fixture
def client(server: LocalVendo) -> AsyncVendo:
    return AsyncVendo(transport="threads", timeout=60, retry=RetryPolicy(1), **server._addresses())


def test_call_without_a_thread_is_a_connection_error(
    server: LocalVendo, limit: Limit, client: AsyncVendo
) -> None:
    async def main() -> None:
        for _ in range(threaded.MAX_THREADS):
            limit.left = 1
            with pytest.raises(UpstreamConnectionError, match="No thread"):
                await client.token("gmail")
        assert await client.token("gmail") == server.token("gmail")

    asyncio.run(main())


def test_call_waits_for_the_threads_that_there_are(limit: Limit) -> None:
    async def main() -> list[int]:
        threads, go = threaded.Threads(), threading.Event()
        first = asyncio.create_task(threads.run(go.wait))
        await asyncio.sleep(0)
        limit.left = 3
        others = [asyncio.create_task(threads.run(lambda n=n: n)) for n in range(3)]  # type: ignore[misc]  # bound now
        await asyncio.sleep(0)
        assert limit.left == 0
        go.set()
        assert await first
        return list(await asyncio.gather(*others))

    assert asyncio.run(main()) == [0, 1, 2]


def test_call_that_gets_no_thread_in_time_is_a_time_out(
    server: LocalVendo, limit: Limit, client: AsyncVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threaded, "shared", threaded.Threads(most=1))

    async def main() -> None:
        go = threading.Event()
        busy = asyncio.create_task(threaded.shared.run(go.wait))
        await asyncio.sleep(0)
        short = AsyncVendo(transport="threads", timeout=0.2, **server._addresses())
        with pytest.raises(vendo.UpstreamTimeout):
            await short.token("gmail")
        go.set()
        await busy
        assert await client.token("gmail") == server.token("gmail")

    asyncio.run(main())


def test_watch_without_a_thread_is_a_connection_error(server: LocalVendo, limit: Limit) -> None:
    with server.client() as client:
        limit.left = 1
        with pytest.raises(UpstreamConnectionError, match="No thread"):
            client.events.watch()
        with client.events.watch() as watch:
            assert watch.is_running


def test_reconciler_without_a_thread_is_a_connection_error(
    server: LocalVendo, limit: Limit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    written = threading.Event()
    # So that the first values are a change.
    bootstrap(env_file=tmp_path / ".env", mapping={})

    def begin() -> vendo.reconciler.Reconciler:
        return start(
            env_file=tmp_path / ".env",
            mapping={"GMAIL": "gmail"},
            on_change=lambda _: written.set(),
        )

    limit.left = 1
    with pytest.raises(UpstreamConnectionError, match="No thread"):
        begin()
    with begin():
        assert written.wait(10)
        server.wait_for_streams(1)


def test_name_is_looked_up_in_place_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(resolving, "start_new_thread", fail)

    assert resolving.resolve("localhost", 80, lambda: 5.0)


def test_calls_one_after_another_share_a_thread(server: LocalVendo, limit: Limit) -> None:
    numbers: set[int] = set()

    async def main() -> None:
        for _ in range(100):
            async with AsyncVendo(transport="threads", **server._addresses()) as client:
                client.invalidate("gmail")
                await client.token("gmail")
            numbers.add(threaded.shared._threads)

    asyncio.run(main())
    # None: it was idle for half a second, on a busy machine.
    assert numbers <= {0, 1}


def test_idle_thread_takes_the_next_call_before_the_result_of_its_last_is_read() -> None:
    threads = threaded.Threads()

    async def main() -> None:
        assert await threads.run(lambda: 1) == 1
        assert threads._pending == 0  # else the next call starts a thread

    for _ in range(200):
        asyncio.run(main())
