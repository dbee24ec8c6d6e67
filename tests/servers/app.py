"""The application, for WSGI, for ASGI, and as a function."""

from __future__ import annotations

import asyncio
import json
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import vendo
from servers import SLUGS
from support.raw_fork import wait_for_ended_threads

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

#: Every fake provider sends back what it received there.
_PATH = "/anything"

client = vendo.Vendo(timeout=10)
async_clients = [
    vendo.AsyncVendo(transport="threads", timeout=10),
    vendo.AsyncVendo(transport="aiohttp", timeout=10),
]
#: Sessions with a kept connection.
sessions = {slug: client.session(slug) for slug in SLUGS}


def call(slug: str, user: str, n: str) -> dict[str, Any]:
    """Take a token and make a request for a user."""
    mine = client.for_user(user)
    mine.invalidate(slug)
    token = mine.token(slug)
    with mine.session(slug) as session:
        echo = session.get(_PATH, params={"n": n}).json()
    shared = sessions[slug].get(_PATH, params={"n": n}).json()
    return _result(token, echo, shared)


async def async_call(slug: str, user: str, n: str) -> dict[str, Any]:
    """Do the same in a task, with each of the transports in turn."""
    mine = async_clients[int(n) % 2].for_user(user)
    mine.invalidate(slug)
    token = await mine.token(slug)
    async with await mine.session(slug) as session:
        async with session.get(_PATH, params={"n": n}) as response:
            echo = await response.json()
        async with session.get(_PATH, params={"n": n}) as response:
            return _result(token, echo, await response.json())


def _result(token: str, *echoes: dict[str, Any]) -> dict[str, Any]:
    return {
        "token": token,
        "echoes": [
            {"provider": echo.get("provider"), "n": echo.get("query", {}).get("n")}
            for echo in echoes
        ],
        "user": echoes[0].get("user"),
        "pid": os.getpid(),
        "watch is wrong": watch.is_running and not _has_watching_thread(),
    }


def _has_watching_thread() -> bool:
    """True if this process has the thread of a watch, and not a parent of it."""
    own = {int(task.name) for task in Path("/proc/self/task").iterdir()}
    return any(t.name == "vendo-events" and t.native_id in own for t in threading.enumerate())


def wsgi(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """The application for WSGI servers."""
    body = json.dumps(call(**dict(parse_qsl(environ["QUERY_STRING"])))).encode()
    start_response("200 OK", [("Content-Type", "application/json")])
    return [body]


async def asgi(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[dict[str, Any]]],
    send: Callable[[dict[str, Any]], Awaitable[None]],
) -> None:
    """The application for ASGI servers: every third request in a thread."""
    if scope["type"] == "lifespan":
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        for async_client in async_clients:
            await async_client.aclose()
        await send({"type": "lifespan.shutdown.complete"})
        return
    query = dict(parse_qsl(scope["query_string"].decode()))
    is_async = int(query["n"]) % 3
    result = await (async_call(**query) if is_async else asyncio.to_thread(call, **query))
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": json.dumps(result).encode()})


watch = client.events.watch()
for each in SLUGS:
    client.token(each)
    client.invalidate(each)
    sessions[each].get(_PATH)


async def _use_async_clients() -> None:
    for async_client in async_clients:
        for each in SLUGS:
            async_client.invalidate(each)
            await async_client.token(each)


# Some servers import the application in an event loop.
first_loop = threading.Thread(target=lambda: asyncio.run(_use_async_clients()))
first_loop.start()
first_loop.join()
wait_for_ended_threads()
