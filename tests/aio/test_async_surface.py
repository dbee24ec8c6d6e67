"""The asyncio API is the blocking one, awaited."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import TYPE_CHECKING, Any, Literal

import pytest

import vendo
from support.children import Child
from vendo import AsyncVendo, Vendo, aio
from vendo._protocol.steps import Response
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo._protocol.steps import Request

    Transport = Literal["aiohttp", "threads"]

#: The authentication of requests has no asynchronous twin.
BLOCKING_ALONE = {"auth"}
RENAMED = {"close": "aclose"}


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail", "openai"]) as server:
        yield server


@pytest.fixture(params=["aiohttp", "threads"])
def transport(request: pytest.FixtureRequest) -> Transport:
    chosen: Transport = request.param
    return chosen


def public(cls: object) -> set[str]:
    return {name for name in dir(cls) if not name.startswith("_")}


def test_the_async_client_has_every_name_of_the_blocking_one() -> None:
    expected = {RENAMED.get(name, name) for name in public(Vendo) - BLOCKING_ALONE}

    assert public(AsyncVendo) == expected | {"close"}


@pytest.mark.parametrize("name", sorted(public(Vendo) - BLOCKING_ALONE))
def test_each_method_has_the_parameters_of_its_blocking_twin(name: str) -> None:
    one, twin = getattr(Vendo, name), getattr(AsyncVendo, RENAMED.get(name, name))
    if isinstance(one, property):
        assert isinstance(twin, property)
        assert (twin.fget.__doc__ or "").split(".")[0] == (one.fget.__doc__ or "").split(".")[0]
    else:
        taken, taken_by_twin = (inspect.signature(f, eval_str=True) for f in (one, twin))
        assert taken.parameters == taken_by_twin.parameters


def test_both_clients_take_the_same_settings() -> None:
    assert list(inspect.signature(Vendo).parameters) == list(
        inspect.signature(AsyncVendo).parameters
    )


def test_aio_has_every_function_and_sub_api_of_the_package() -> None:
    from vendo import _NAMES_OF_MODULE

    blocking = {"Vendo", "auth"}  # requests has no asyncio
    assert {*_NAMES_OF_MODULE["vendo._client.default"]} - blocking <= set(aio.__all__)
    assert all(hasattr(aio, name) for name in aio.__all__)


@pytest.mark.parametrize(
    "name", ["connections", "integrations", "billing", "data", "events", "webhooks"]
)
def test_the_repr_of_a_sub_api_shows_no_key(server: LocalVendo, name: str) -> None:
    client = server.async_client()

    assert server.api_key not in repr(getattr(client, name))


def test_aiohttp_is_the_default_where_it_is_installed(server: LocalVendo) -> None:
    assert repr(server.async_client()) == "<AsyncVendo, Vendo mode, over aiohttp>"


def test_custom_transport_is_used_and_shown(server: LocalVendo) -> None:
    import asyncio

    class Canned:
        name = "canned"
        closed = False

        async def send(self, request: Request) -> Response:
            return Response(200, {}, b'{"credits_remaining_micros": 3}')

        async def open(self, request: Request) -> Any:
            raise AssertionError

        async def aclose(self) -> None:
            self.closed = True

    canned = Canned()

    async def main() -> None:
        async with server.async_client(transport=canned) as client:
            assert repr(client) == "<AsyncVendo, Vendo mode, over canned>"
            assert (await client.billing.balance()).credits_remaining_micros == 3

    asyncio.run(main())
    assert canned.closed
    assert server.requests == []


def test_bad_key_is_an_error_when_the_client_is_made() -> None:
    with pytest.raises(vendo.AuthError, match="white space"):
        AsyncVendo("vendo_sk_a b")


def test_placeholder_is_not_a_key_for_an_async_client() -> None:
    with pytest.raises(vendo.AuthError, match="needs an API key"):
        AsyncVendo("byok")


FORKS = """
import asyncio, os, sys
import vendo

client = vendo.AsyncVendo(transport=sys.argv[1])

async def main(slug):
    balance = await client.billing.balance()
    return await client.token(slug), balance.currency

asyncio.run(main("gmail"))
child = os.fork()
print(*asyncio.run(main("openai")), flush=True)
if child:
    assert os.waitpid(child, 0)[1] == 0
"""

EVENTS = """
import asyncio, sys
import vendo

async def main():
    asyncio.get_running_loop().slow_callback_duration = 60
    client = vendo.AsyncVendo(transport=sys.argv[1])
    async for event in client.events.subscribe():
        print(event.type, flush=True)
        break
    waiting = [asyncio.create_task(anext(client.events.subscribe())) for _ in range(2)]
    await asyncio.sleep(0)
    print(await client.token("gmail"))

asyncio.run(main())
"""

HANGS = """
import asyncio, sys
import vendo

async def main():
    try:
        async with asyncio.timeout(0.2):
            await vendo.AsyncVendo(transport=sys.argv[1]).token("gmail")
    except TimeoutError:
        print("timed out")

asyncio.run(main())
"""


def program(
    text: str, transport: Transport, server: LocalVendo, *options: str
) -> subprocess.Popen[str]:
    return Child(
        [sys.executable, *options, "-c", text, transport],
        env=server.environment() | {"PYTHONPATH": ":".join(sys.path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_client_serves_loops_of_a_parent_and_of_its_child(
    server: LocalVendo, transport: Transport
) -> None:
    with program(FORKS, transport, server, "-W", "ignore::DeprecationWarning") as process:
        out, err = process.communicate(timeout=30)

    assert (out, err) == (f"{server.token('openai')} USD\n" * 2, "")


def test_open_streams_leave_no_warning(server: LocalVendo, transport: Transport) -> None:
    with program(EVENTS, transport, server, "-X", "dev", "-W", "error") as process:
        server.wait_for_streams(1, timeout=30)
        server.emit("a.b")
        out, err = process.communicate(timeout=30)

    assert (out, err) == (f"a.b\n{server.token('gmail')}\n", "")


def test_hanging_call_does_not_keep_a_program_running(
    server: LocalVendo, transport: Transport
) -> None:
    with server.hold("credentials"), program(HANGS, transport, server) as process:
        out, err = process.communicate(timeout=20)

    assert (out, err) == ("timed out\n", "")
