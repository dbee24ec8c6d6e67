"""Figures of asyncio: the cost of waiting, for one task and for many."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING, Literal

import aiohttp

import vendo
from benchmarks.harness import Figure, awaited_seconds, exactly, running_service, seconds, spread
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    Transport = Literal["aiohttp", "threads"]

KEY = "vendo_sk_" + "k" * 32
_IN_FLIGHT = 50
#: Seconds that the service takes for each call.
_LATENCY = 0.02
_SETTING = f"{_IN_FLIGHT} in flight, {_LATENCY * 1000:.0f} ms each"
_ROUNDS = 15
#: The transports, and the minimum share of aiohttp's own throughput.
_TRANSPORTS: dict[Transport, float] = {"threads": 0.9, "aiohttp": 0.95}


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    for take in (_throughput, _crowd, _cached_token, _session, _cancelled_events):
        with asyncio.Runner() as runner:
            yield from runner.run(take())


async def _throughput() -> list[Figure]:
    with running_service(latency=_LATENCY) as address:
        url = f"{address.url}/api/billing/usage?period=day"
        headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}
        plain = aiohttp.ClientSession(headers=headers)

        async def plain_call() -> None:
            async with plain.get(url) as response:
                await response.json()

        clients = {
            transport: vendo.AsyncVendo(KEY, address.url, transport=transport)
            for transport in _TRANSPORTS
        }
        sides: list[Callable[[], Awaitable[object]]] = [plain_call]
        sides += [lambda client=client: client.billing.usage("day") for client in clients.values()]  # type: ignore[misc]  # bound now
        taken = await _in_turn(sides)
        for client in clients.values():
            await client.aclose()
        await plain.close()
    return [
        Figure(
            f"calls a second over {transport}, {_SETTING}",
            "plain aiohttp",
            spread(took[0] / took[number] for took in taken),
            limit,
            at_least=True,
        )
        for number, (transport, limit) in enumerate(_TRANSPORTS.items(), 1)
    ]


async def _in_flight(call: Callable[[], Awaitable[object]]) -> None:
    async def work() -> None:
        for _ in range(20):
            await call()

    await asyncio.gather(*[work() for _ in range(_IN_FLIGHT)])


async def _crowd() -> list[Figure]:
    rounds = 60
    found = []
    for transport in _TRANSPORTS:
        with running_service(latency=0.1) as address:
            client = vendo.AsyncVendo(KEY, credentials_url=address.url, transport=transport)
            await client.token("warm")
            ratios = []
            async with aiohttp.ClientSession() as plain:
                for number in range(rounds):
                    took = await _together(client, f"slug{number}")
                    ratios.append(took / await _plain_request(plain, f"{address.url}/plain"))
                async with plain.get(f"{address.url}/requests-so-far") as response:
                    so_far = int(await response.text())
            await client.aclose()
        about = f"1 000 tasks, one cold token, over {transport}"
        found += [
            # Of each round one request is plain, and the first token is one more.
            Figure(f"{about}: requests", "one", exactly((so_far - rounds - 1) / rounds), 1, ""),
            Figure(f"{about}: time", "one plain request", spread(ratios), 1.3),
        ]
    return found


async def _plain_request(plain: aiohttp.ClientSession, url: str) -> float:
    """Return the seconds until the service has responded to one request."""
    begin = time.perf_counter()
    async with plain.get(url) as response:
        await response.read()
    return time.perf_counter() - begin


async def _together(client: vendo.AsyncVendo, slug: str) -> float:
    """Return the seconds until each of a thousand tasks has the token."""
    begin = time.perf_counter()
    await asyncio.gather(*[client.token(slug) for _ in range(1_000)])
    return time.perf_counter() - begin


async def _cached_token() -> list[Figure]:
    with running_service() as address:
        blocking = vendo.Vendo(KEY, credentials_url=address.url)
        client = vendo.AsyncVendo(KEY, credentials_url=address.url)
        blocking.token("openai")
        calls = 200

        ratios = []
        for _ in range(2_000):
            took = await awaited_seconds(lambda: client.token("openai"), calls)
            ratios.append(took / seconds(lambda: blocking.token("openai"), calls))
        await client.aclose()
        blocking.close()
    return [Figure("`await client.token()`, cached", "`client.token()`", spread(ratios), 2.0)]


async def _session() -> list[Figure]:
    with running_service(latency=_LATENCY) as address:
        url = f"{address.url}/profile"
        os.environ["VENDO_TOKEN_GMAIL"] = "t" * 64
        client = vendo.AsyncVendo(KEY)
        ours = await client.session("gmail", hosts=[address.host])
        plain = aiohttp.ClientSession(headers={"Authorization": "Bearer " + "t" * 64})

        def getting(session: aiohttp.ClientSession) -> Callable[[], Awaitable[None]]:
            async def get() -> None:
                async with session.get(url) as response:
                    await response.read()

            return get

        taken = await _in_turn([getting(ours), getting(plain)])
        await ours.close()
        await plain.close()
        await client.aclose()
        del os.environ["VENDO_TOKEN_GMAIL"]
    return [
        Figure(
            f"`session.get` of an aiohttp session, {_SETTING}",
            "`aiohttp.ClientSession` with a fixed header",
            spread(one / other for one, other in taken),
            1.1,
        )
    ]


async def _cancelled_events() -> list[Figure]:
    found = []
    for transport in _TRANSPORTS:
        slowest = 0.0
        with LocalVendo() as server:
            for _ in range(20):
                client = server.async_client(transport=transport)
                listening = asyncio.create_task(_listen(client))
                await asyncio.to_thread(server.wait_for_streams, 1)
                begin = time.perf_counter()
                listening.cancel()
                await asyncio.gather(listening, return_exceptions=True)
                await client.aclose()
                slowest = max(slowest, time.perf_counter() - begin)
                await asyncio.to_thread(server.wait_for_streams, 0)
        found.append(
            Figure(
                f"from cancelling a loop over events to its end, over {transport}",
                "the slowest of 20",
                exactly(slowest * 1000),
                50.0,
                "ms",
            )
        )
    return found


async def _listen(client: vendo.AsyncVendo) -> None:
    async for _event in client.events.subscribe():
        pass


async def _in_turn(sides: list[Callable[[], Awaitable[object]]]) -> list[list[float]]:
    """Return the seconds of each side with many calls in flight, for each round."""
    return [
        [await awaited_seconds(lambda side=side: _in_flight(side)) for side in sides]  # type: ignore[misc]  # bound now
        for _ in range(_ROUNDS)
    ]
