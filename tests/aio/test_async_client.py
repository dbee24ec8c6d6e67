"""`AsyncVendo` and `vendo.aio`, over aiohttp and over the standard library's threads."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Literal

import pytest

import vendo
from vendo import AsyncVendo
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Transport = Literal["aiohttp", "threads"]


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail", "openai", "slack"]) as server:
        yield server


@pytest.fixture(params=["aiohttp", "threads"])
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


async def _in_thread(call: Callable[[], object]) -> None:
    await asyncio.get_running_loop().run_in_executor(None, call)


def test_every_call_of_the_api_works(server: LocalVendo, transport: Transport) -> None:
    async def main() -> None:
        async with server.async_client(transport=transport) as client:
            assert await client.token("gmail") == server.token("gmail")
            assert await client.tokens(["openai", "notion"]) == {
                "openai": server.token("openai"),
                "notion": None,
            }
            assert {row.slug for row in await client.connections.list()} >= {"gmail", "openai"}
            row = await client.connections.get("gmail")
            assert row is not None
            assert row.is_connected
            assert set(await client.connections.connected_slugs()) == {"gmail", "openai", "slack"}
            assert await client.integrations.list()
            assert await client.integrations.get("nosuch") is None
            assert await client.integrations.env_vars("openai") == ["OPENAI_API_KEY"]
            assert (await client.billing.balance()).currency == "USD"
            assert (await client.billing.spend_caps()).used_today_micros == 0
            assert await client.billing.usage("day")
            assert await client.data.execute("GMAIL_FETCH_EMAILS", {"max_results": 1})
            assert client.connect_url("notion").startswith(f"{server.url}/connections/connect/")
            assert client.is_vendo_mode()

    asyncio.run(main())


def test_the_chosen_transport_is_visible(server: LocalVendo, transport: Transport) -> None:
    assert transport in repr(server.async_client(transport=transport))


def test_unknown_transport_is_an_error() -> None:
    with pytest.raises(vendo.ValidationError, match="'aiohttp' or 'threads'"):
        AsyncVendo("vendo_sk_x", transport="carrier pigeon")  # type: ignore[arg-type]  # the point
    with pytest.raises(vendo.ValidationError, match="transport= must have send"):
        AsyncVendo("vendo_sk_x", transport=object())  # type: ignore[arg-type]  # the point


def test_async_client_needs_a_key() -> None:
    with pytest.raises(vendo.AuthError, match="needs an API key"):
        AsyncVendo()


def test_client_whose_key_is_removed_does_not_switch_to_oss_mode(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch, transport: Transport
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")

    async def main() -> None:
        async with AsyncVendo(transport=transport) as client:
            token = await client.token("openai")
            assert token == server.token("openai")
            before = len(server.requests)
            monkeypatch.delenv("VENDO_API_KEY")
            for call in (
                lambda: client.token("openai"),
                lambda: client.tokens(["openai"]),
                client.connections.list,
                client.connections.connected_slugs,
                client.integrations.list,
                client.billing.balance,
                client.billing.usage,
                lambda: client.data.execute("GMAIL_FETCH_EMAILS"),
            ):
                with pytest.raises(vendo.AuthError, match="AsyncVendo needs an API key"):
                    await call()
            for plain in (
                client.events.subscribe,
                lambda: client.connect_url("openai"),
                lambda: client.for_user("a.b.c"),
                lambda: client.invalidate("openai"),
            ):
                with pytest.raises(vendo.AuthError, match="AsyncVendo needs an API key"):
                    plain()
            assert len(server.requests) == before
            assert "Vendo mode" in repr(client)

            monkeypatch.setenv("VENDO_API_KEY", server.api_key)
            assert await client.token("openai") == token

    asyncio.run(main())


def test_missing_connection_has_a_fix(server: LocalVendo, transport: Transport) -> None:
    async def main() -> None:
        async with server.async_client(transport=transport) as client:
            with pytest.raises(vendo.NotConnected) as caught:
                await client.token("notion")
            assert caught.value.slug == "notion"
            assert "connect_url" in (caught.value.suggested_fix or "")

    asyncio.run(main())


def test_a_thousand_tasks_make_one_request(server: LocalVendo, transport: Transport) -> None:
    async def main() -> None:
        async with server.async_client(transport=transport) as client:
            with server.hold("credentials") as gate:
                tasks = [asyncio.create_task(client.token("gmail")) for _ in range(1000)]
                await _in_thread(lambda: gate.wait_for(1))
                gate.release()
                assert {await task for task in tasks} == {server.token("gmail")}

    asyncio.run(main())
    assert server.count("credentials") == 1


def test_two_hundred_waiting_tasks_use_one_thread(server: LocalVendo) -> None:
    async def main() -> None:
        async with server.async_client(transport="threads") as client:
            await client.token("openai")  # starts the transport's first thread
            before = set(threading.enumerate())
            with server.hold("credentials") as gate:
                tasks = [asyncio.create_task(client.token("gmail")) for _ in range(200)]
                await asyncio.sleep(0)  # each task has begun, and waits
                more = {t for t in threading.enumerate() if t.name == "vendo"} - before
                assert len(more) <= 1
                gate.release()
                await asyncio.gather(*tasks)

    asyncio.run(main())


def test_cancelling_the_first_caller_leaves_the_others_served(
    server: LocalVendo, transport: Transport
) -> None:
    async def main() -> None:
        async with server.async_client(transport=transport) as client:
            with server.hold("credentials") as gate:
                first = asyncio.create_task(client.token("gmail"))
                await _in_thread(lambda: gate.wait_for(1))
                others = [asyncio.create_task(client.token("gmail")) for _ in range(5)]
                await asyncio.sleep(0)
                first.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await first
                gate.release()
                assert set(await asyncio.gather(*others)) == {server.token("gmail")}

    asyncio.run(main())
    assert server.count("credentials") == 1


def test_cancelling_a_waiting_caller_leaves_the_others_served(
    server: LocalVendo, transport: Transport
) -> None:
    async def main() -> None:
        async with server.async_client(transport=transport) as client:
            with server.hold("credentials") as gate:
                first = asyncio.create_task(client.token("gmail"))
                await _in_thread(lambda: gate.wait_for(1))
                waiting = [asyncio.create_task(client.token("gmail")) for _ in range(3)]
                await asyncio.sleep(0)
                waiting[1].cancel()
                gate.release()
                done = await asyncio.gather(first, *waiting, return_exceptions=True)
                assert isinstance(done[2], asyncio.CancelledError)
                assert [done[0], done[1], done[3]] == [server.token("gmail")] * 3

    asyncio.run(main())


def test_every_task_gets_its_own_error_object(server: LocalVendo, transport: Transport) -> None:
    async def main() -> list[BaseException | str]:
        async with server.async_client(transport=transport) as client:
            with server.hold("credentials") as gate:
                tasks = [asyncio.create_task(client.token("notion")) for _ in range(10)]
                await _in_thread(lambda: gate.wait_for(1))
                gate.release()
                return await asyncio.gather(*tasks, return_exceptions=True)

    failures = asyncio.run(main())
    assert all(isinstance(failure, vendo.NotConnected) for failure in failures)
    assert len({id(failure) for failure in failures}) == 10


def test_blocking_and_asyncio_callers_share_one_request(
    server: LocalVendo, transport: Transport
) -> None:
    blocking = server.client()

    async def main() -> None:
        async with server.async_client(transport=transport) as client:
            with server.hold("credentials") as gate, ThreadPoolExecutor(1) as pool:
                thread = pool.submit(blocking.token, "gmail")
                await _in_thread(lambda: gate.wait_for(1))
                task = asyncio.create_task(client.token("gmail"))
                await asyncio.sleep(0)
                gate.release()
                assert await task == await asyncio.wrap_future(thread)

    asyncio.run(main())
    blocking.close()
    assert server.count("credentials") == 1


def test_one_client_serves_consecutive_loops(server: LocalVendo, transport: Transport) -> None:
    client = server.async_client(transport=transport)

    async def fresh() -> str:
        client.invalidate("gmail")
        return await client.token("gmail")

    assert {asyncio.run(fresh()) for _ in range(3)} == {server.token("gmail")}
    asyncio.run(client.aclose())


@pytest.mark.parametrize("name", ["close", "aclose"])
def test_close_has_two_names(server: LocalVendo, transport: Transport, name: str) -> None:
    async def main() -> int:
        client = server.async_client(transport=transport)
        await client.token("gmail")
        await getattr(client, name)()
        client.invalidate("gmail")
        await client.token("gmail")
        await client.aclose()
        return server.connections_opened

    assert asyncio.run(main()) == 2


def test_one_client_serves_loops_in_several_threads(
    server: LocalVendo, transport: Transport
) -> None:
    client = server.async_client(transport=transport)

    async def all_of_them() -> dict[str, str | None]:
        return await client.tokens(["gmail", "openai", "slack"])

    with ThreadPoolExecutor(4) as pool:
        results = [pool.submit(asyncio.run, all_of_them()) for _ in range(8)]
        assert all(None not in result.result().values() for result in results)
    asyncio.run(client.aclose())


def test_loop_that_ends_during_a_call_leaves_the_next_one_served(
    server: LocalVendo, transport: Transport
) -> None:
    client = server.async_client(transport=transport)

    async def give_up() -> None:
        asyncio.create_task(client.token("gmail")).add_done_callback(lambda _: None)
        await _in_thread(lambda: gate.wait_for(1))

    with server.hold("credentials") as gate:
        asyncio.run(give_up())
        gate.release()
    assert asyncio.run(_token(client)) == server.token("gmail")
    asyncio.run(client.aclose())


async def _token(client: AsyncVendo) -> str:
    return await client.token("gmail")


def test_client_of_a_user_has_separate_tokens(server: LocalVendo, transport: Transport) -> None:
    async def main() -> None:
        async with server.async_client(transport=transport) as client:
            one = client.for_user("one.jwt.x")
            two = client.for_request({"x-vendo-user-jwt": "two.jwt.x"})
            tokens = [await each.token("gmail") for each in (client, one, two)]
            assert len(set(tokens)) == 3
            await one.aclose()  # the connections belong to its parent
            assert await client.token("openai")

    asyncio.run(main())


def test_missing_aiohttp_is_an_error_that_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['aiohttp'] = None\n"
        "import vendo\n"
        "try: vendo.AsyncVendo('vendo_sk_x', transport='aiohttp')\n"
        "except vendo.MissingExtra as error: print(error.suggested_fix)\n"
        "print(vendo.AsyncVendo('vendo_sk_x'))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert done.stdout == (
        'pip install "vendo-sdk[async]"\n<AsyncVendo, Vendo mode, over threads>\n'
    ), done.stderr


EXIT_PROGRAM = """
import asyncio, sys
import vendo, vendo.aio

async def main():
    # Reading the trust store is slow in development mode, which asyncio would log.
    asyncio.get_running_loop().slow_callback_duration = 60
    print(await vendo.aio.token("gmail"))
    print(await vendo.AsyncVendo(transport=sys.argv[1]).token("openai"))

asyncio.run(main())
asyncio.run(main())
"""


def test_nothing_stays_open_when_a_program_ends(server: LocalVendo, transport: Transport) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", EXIT_PROGRAM, transport],
        env=server.environment() | {"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
    )

    assert done.stderr == ""
    assert done.stdout.count("\n") == 4


def test_it_runs_under_uvloop(server: LocalVendo, transport: Transport) -> None:
    import uvloop

    async def main() -> str:
        async with server.async_client(transport=transport) as client:
            return await client.token("gmail")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        assert runner.run(main()) == server.token("gmail")


def test_the_functions_of_aio_work_in_oss_mode(monkeypatch: pytest.MonkeyPatch) -> None:
    from vendo import aio

    monkeypatch.delenv("VENDO_API_KEY", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-example")
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)

    async def main() -> None:
        assert await aio.token("openai") == "sk-example"
        assert await aio.tokens(["openai", "slack"]) == {"openai": "sk-example", "slack": None}
        assert not aio.is_vendo_mode()
        assert "openai" in await aio.connections.connected_slugs()
        with pytest.raises(vendo.NotConnected):
            await aio.token("slack")
        for call in (aio.billing.balance, aio.billing.spend_caps, aio.billing.usage):
            with pytest.raises(vendo.VendoOnlyFeature):
                await call()
        with pytest.raises(vendo.VendoOnlyFeature):
            aio.events.subscribe()

    asyncio.run(main())


def test_functions_of_aio_switch_to_vendo_mode_with_the_environment(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vendo import aio

    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)

    async def main() -> None:
        assert await aio.token("gmail") == server.token("gmail")
        await aio.aclose()

    asyncio.run(main())


def test_malformed_key_is_an_error_at_the_call_and_not_at_the_import(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    program = (
        "import asyncio, os, vendo\n"
        "from vendo import aio\n"
        "from vendo import *\n"
        "print(asyncio.run(aio.token('openai')))\n"
        "try: asyncio.run(aio.token('gmail'))\n"
        "except vendo.AuthError: print('raised')\n"
    )
    monkeypatch.setenv("VENDO_API_KEY", "two words")
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-mine")
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert (done.stdout, done.stderr) == ("sk-mine\nraised\n", "")


def test_a_pending_fetch_can_be_collected(server: LocalVendo, transport: Transport) -> None:
    """A loop that is closed during a fetch leaves no warning."""

    async def main() -> None:
        client = server.async_client(transport=transport)
        with server.hold("credentials") as gate:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await client.token("gmail")
            gate.release()
        await client.aclose()

    asyncio.run(main())
    gc.collect()


def test_an_async_client_is_not_pickled(server: LocalVendo) -> None:
    import pickle

    with pytest.raises(vendo.ValidationError, match="cannot be pickled"):
        pickle.dumps(server.async_client())


def test_each_async_call_has_a_blocking_twin() -> None:
    import inspect

    from vendo._client import apis, async_apis

    blocking = {name: cls for name, cls in vars(apis).items() if name.endswith("API")}
    for name, cls in blocking.items():
        twin = getattr(async_apis, "_AsyncAPI" if name == "_API" else f"Async{name}")
        for method, call in inspect.getmembers(cls, inspect.isfunction):
            if not method.startswith("_"):
                assert inspect.signature(call).parameters == (
                    inspect.signature(getattr(twin, method)).parameters
                ), f"{name}.{method}"
                _: Callable[..., Awaitable[object]] = getattr(twin, method)


def test_loop_can_continue_after_shutdown_asyncgens(
    server: LocalVendo, transport: Transport
) -> None:
    """`shutdown_asyncgens`, which closes a client's connections, may run before the loop's end."""
    client = server.async_client(transport=transport)
    with asyncio.Runner() as runner:
        assert runner.run(_token(client))
        loop = runner.get_loop()
        runner.run(loop.shutdown_asyncgens())
        client.invalidate("gmail")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)  # the loop was shut down
            assert runner.run(_token(client)) == server.token("gmail")
        runner.run(client.aclose())


def test_closing_in_one_loop_leaves_the_connections_of_another(
    server: LocalVendo, transport: Transport
) -> None:
    client = server.async_client(transport=transport)

    async def balance() -> int:
        return (await client.billing.balance()).credits_remaining_micros

    with asyncio.Runner() as one, asyncio.Runner() as two:
        one.run(balance())
        two.run(balance())
        two.run(client.aclose())
        assert one.run(balance()) == two.run(balance()) == 5_000_000
        one.run(client.aclose())
        two.run(client.aclose())


def test_closing_a_client_during_a_call_raises_one_typed_error(
    server: LocalVendo,
) -> None:
    async def main() -> None:
        client = server.async_client(transport="aiohttp", retry=vendo.RetryPolicy(1))
        with server.hold("api") as gate:
            call = asyncio.create_task(client.billing.balance())
            await _in_thread(gate.wait_for)
            await client.aclose()
            with pytest.raises(vendo.UpstreamConnectionError):
                await call

    asyncio.run(main())
