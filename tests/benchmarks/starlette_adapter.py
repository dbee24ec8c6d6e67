"""Figures of the Starlette adapter: its cost per request."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.requests import HTTPConnection

from benchmarks.harness import Figure, awaited_rounds, running_service, spread
from vendo_starlette import (
    VendoMiddleware,
    aclient,
    vendo_async_session,
    vendo_httpx,
    vendo_session,
    vendo_token,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from starlette.types import Message, Receive, Scope, Send

    from benchmarks.harness import Spread

KEY = "vendo_sk_" + "k" * 32


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    os.environ.pop("VENDO_AUTH", None)
    with running_service() as address:
        os.environ["VENDO_API_KEY"] = KEY
        os.environ["VENDO_CREDENTIALS_URL"] = address.url
        os.environ["GMAIL_BASE_URL"] = address.url
        try:
            with asyncio.Runner() as runner:
                for take in (_middleware, _token, _sessions):
                    yield from runner.run(take())
        finally:
            for name in ("VENDO_API_KEY", "VENDO_CREDENTIALS_URL", "GMAIL_BASE_URL"):
                del os.environ[name]


def _scope(app: Any, **more: Any) -> Scope:
    headers = [(b"x-header-%d" % number, b"value") for number in range(15)]
    return {
        "type": "http", "method": "GET", "path": "/", "raw_path": b"/", "query_string": b"",
        "root_path": "", "headers": headers, "app": app, **more,
    }  # fmt: skip


async def _receive() -> Message:
    return {"type": "http.request", "body": b""}


async def _send(message: Message) -> None: ...


async def _middleware() -> list[Figure]:
    app = Starlette()

    async def inner(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start"})
        await send({"type": "http.response.body"})

    through = VendoMiddleware(inner)

    async def used(scope: Scope, receive: Receive, send: Send) -> None:
        await scope["state"]["vendo"].token("openai")

    using = VendoMiddleware(used)

    # Each request has its own scope on any server.
    async def ours() -> None:
        await through(_scope(app), _receive, _send)

    async def theirs() -> None:
        await inner(_scope(app), _receive, _send)

    async def first_use() -> None:
        await using(_scope(app), _receive, _send)

    found = [
        Figure(
            "Starlette: a request through `VendoMiddleware` that uses nothing",
            "the application alone",
            await _more(ours, theirs),
            2.0,
            "µs more",
        ),
        Figure(
            "Starlette: the first `request.state.vendo.token()` of a request, cached",
            "the application alone",
            await _more(first_use, theirs),
            20.0,
            "µs more",
        ),
    ]
    await aclient(app).aclose()
    return found


async def _token() -> list[Figure]:
    app = FastAPI()

    async def nothing() -> str:
        return "nothing"

    async def endpoint(value: str) -> None: ...

    async def baseline(value: str) -> None: ...

    dependencies: list[Any] = [
        ("/ours", endpoint, vendo_token("openai")),
        ("/baseline", baseline, nothing),
    ]
    for path, function, dependency in dependencies:
        # As FastAPI gets them without `from __future__ import annotations`.
        function.__annotations__["value"] = Annotated[str, Depends(dependency)]
        app.add_api_route(path, function, response_model=None)

    def visiting(path: str) -> Callable[[], Awaitable[None]]:
        async def visit() -> None:
            await app(_scope(app, path=path, raw_path=path.encode()), _receive, _send)

        return visit

    ours, theirs = visiting("/ours"), visiting("/baseline")
    taken = await awaited_rounds(ours, theirs)
    await aclient(app).aclose()
    return [
        Figure(
            "FastAPI: a request with `Depends(vendo_token(…))`, cached",
            "a request with an async dependency that does nothing",
            spread(one / other for one, other in taken),
            1.3,
        )
    ]


async def _sessions() -> list[Figure]:
    app = Starlette()

    async def nothing() -> HTTPConnection:
        return HTTPConnection(_scope(app))

    def making(dependency: Any) -> Callable[[], Awaitable[object]]:
        async def make() -> object:
            return await dependency(HTTPConnection(_scope(app)))

        return make

    found = []
    for name, dependency in (
        ("vendo_session", vendo_session("gmail")),
        ("vendo_async_session", vendo_async_session("gmail")),
        ("vendo_httpx", vendo_httpx("gmail")),
    ):
        make = making(dependency)
        found.append(
            Figure(
                f"Starlette: a session for a request: `{name}`",
                "its connection alone",
                await _more(make, nothing),
                60.0,
                "µs more",
            )
        )
    return found


async def _more(
    ours: Callable[[], Awaitable[object]], theirs: Callable[[], Awaitable[object]]
) -> Spread:
    """Return how many microseconds longer `ours` takes than `theirs`."""
    return spread((one - other) * 1e6 for one, other in await awaited_rounds(ours, theirs))
