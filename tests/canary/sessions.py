"""Sessions of one library against providers that fail. Run as a program; it prints JSON."""

from __future__ import annotations

import asyncio
import importlib
import itertools
import os
import ssl
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp
import requests

import vendo
import vendo.aio
from canary.run import Outcomes, main, wait_a_minute

if TYPE_CHECKING:
    from collections.abc import Callable

    from canary.search import Search

    #: A call of a session. Its result is awaited in a task.
    Call: TypeAlias = "Callable[[Search], Any]"

#: A token in `Authorization`, in a header of the provider's own, in base64, and in the path.
SLUGS = ("gmail", "anthropic", "mailchimp", "telegram")
#: No request here uses TLS, and a new context for each client takes 20 ms.
TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
#: Seconds. The time-out of a provider that is silent passes, any other does not.
SILENT, PATIENT = 0.2, 20.0


class CallbackError(Exception):
    """What the caller's own code raises."""


def fail(*_: Any, **_how: Any) -> Any:
    raise CallbackError


async def fail_in_task(*_: Any, **_how: Any) -> Any:
    raise CallbackError


def fail_when_sent(name: str, _info: Any) -> None:
    if name.endswith("send_request_headers.complete"):
        raise CallbackError


async def fail_in_task_when_sent(name: str, info: Any) -> None:
    fail_when_sent(name, info)


def broken_body() -> Any:
    yield b"{"
    raise CallbackError


async def broken_body_in_task() -> Any:
    yield b"{"
    raise CallbackError


async def middleware(request: Any, handler: Any) -> Any:
    await handler(request)
    raise CallbackError


@dataclass(frozen=True)
class Target:
    """A provider that fails."""

    slug: str
    failure: str
    url: str

    @property
    def seconds(self) -> float:
        return SILENT if self.failure == "silent" else PATIENT


def note(search: Search, *responses: Any) -> None:
    """Search responses as a program may show them."""
    for response in responses:
        search.value("the response", response)
        search.value("the response's raw", getattr(response, "raw", None))
        search.pickled("the response", response)


def of_requests(client: vendo.Vendo, target: Target, *, is_own: bool = False) -> dict[str, Call]:
    """`session()`, or `auth()` in a session of the caller's own."""

    def session() -> requests.Session:
        if not is_own:
            return client.session(target.slug)
        own = requests.Session()
        own.auth = client.auth(target.slug)
        return own

    def send(search: Search, method: str = "GET", **how: Any) -> None:
        with session() as http:
            try:
                response = http.request(method, f"{target.url}/x", timeout=target.seconds, **how)
                note(search, *response.history, response)
                search.pickled("the session", http)
                _ = response.content
                response.raise_for_status()
            finally:
                search.value("the session", http)

    return {
        "get": send,
        "post": lambda search: send(search, "POST", json={"x": 1}),
        "stream": lambda search: send(search, stream=True),
        "bad header": lambda search: send(search, headers={"X": "a\nb"}),
        "typographic header": lambda search: send(search, headers={"X": "\u2019"}),
        "hook raises": lambda search: send(search, hooks={"response": fail}),
        "body raises": lambda search: send(search, "POST", data=broken_body()),
    }


def of_auth(client: vendo.Vendo, target: Target) -> dict[str, Call]:
    """`auth()` in a session of the caller's own."""
    return of_requests(client, target, is_own=True)


def of_aiohttp(client: vendo.AsyncVendo, target: Target) -> dict[str, Call]:
    """`session()` of an `AsyncVendo`."""

    async def send(search: Search, method: str = "GET", **how: Any) -> None:
        total = aiohttp.ClientTimeout(target.seconds)
        async with await client.session(target.slug) as http:
            try:
                async with http.request(
                    method, f"{target.url}/x", timeout=total, **how
                ) as response:
                    note(search, *response.history, response)
                    await response.read()
                    response.raise_for_status()
            finally:
                search.value("the session", http)

    async def cancelled(search: Search) -> None:
        async with asyncio.timeout(SILENT / 2):
            await send(search)

    return {
        "get": send,
        "post": lambda search: send(search, "POST", json={"x": 1}),
        "cancelled": cancelled,
        "bad header": lambda search: send(search, headers={"X": "a\nb"}),
        "header of another type": lambda search: send(search, headers={"X": 3}),
        "body raises": lambda search: send(search, "POST", data=broken_body_in_task()),
        "middleware raises": lambda search: send(search, middlewares=[middleware]),
    }


def of_httpx(library: Any, http2: bool) -> Callable[[vendo.Vendo, Target], dict[str, Call]]:
    """`httpx_auth()` in a client of httpx or httpx2."""

    def calls(client: vendo.Vendo, target: Target) -> dict[str, Call]:
        def send(search: Search, method: str = "GET", hooks: Any = None, **how: Any) -> None:
            settings = _settings(client, target, http2=http2)
            with library.Client(**settings, event_hooks=hooks) as http:
                try:
                    response = http.request(method, "/x", **how)
                    note(search, *response.history, response)
                    response.raise_for_status()
                finally:
                    search.value("the client", http)

        def stream(search: Search) -> None:
            with (
                library.Client(**_settings(client, target, http2=http2)) as http,
                http.stream("GET", "/x") as response,
            ):
                note(search, response)
                response.read()

        return {
            "get": send,
            "post": lambda search: send(search, "POST", json={"x": 1}),
            "stream": stream,
            "hook raises": lambda search: send(search, hooks={"response": [fail]}),
            "trace raises": lambda search: send(search, extensions={"trace": fail_when_sent}),
            "body raises": lambda search: send(search, "POST", content=broken_body()),
        }

    return calls


def of_async_httpx(library: Any, http2: bool) -> Callable[[Any, Target], dict[str, Call]]:
    """`httpx_auth()` in an asyncio client of httpx or httpx2."""

    def calls(client: vendo.AsyncVendo, target: Target) -> dict[str, Call]:
        async def send(search: Search, method: str = "GET", hooks: Any = None, **how: Any) -> None:
            settings = _settings(client, target, http2=http2)
            async with library.AsyncClient(**settings, event_hooks=hooks) as http:
                try:
                    response = await http.request(method, "/x", **how)
                    note(search, *response.history, response)
                    response.raise_for_status()
                finally:
                    search.value("the client", http)

        async def cancelled(search: Search) -> None:
            async with asyncio.timeout(SILENT / 2):
                await send(search)

        trace = {"trace": fail_in_task_when_sent}
        return {
            "get": send,
            "post": lambda search: send(search, "POST", json={"x": 1}),
            "cancelled": cancelled,
            "hook raises": lambda search: send(search, hooks={"response": [fail_in_task]}),
            "trace raises": lambda search: send(search, extensions=trace),
            "body raises": lambda search: send(search, "POST", content=broken_body_in_task()),
        }

    return calls


def _settings(client: Any, target: Target, *, http2: bool) -> dict[str, Any]:
    return {
        "auth": client.httpx_auth(target.slug),
        "base_url": target.url,
        "timeout": target.seconds,
        "follow_redirects": True,
        "verify": TLS,
        "http1": not http2,
        "http2": http2,
    }


def calls_of(way: str) -> tuple[bool, Callable[[Any, Target], dict[str, Call]]]:
    """Return whether the calls of a way are awaited, and what makes them."""
    if way in {"requests", "auth", "aiohttp"}:
        makers: Any = {"requests": of_requests, "auth": of_auth, "aiohttp": of_aiohttp}
        return way == "aiohttp", makers[way]
    library = importlib.import_module(way.split(maxsplit=1)[0])
    is_async = "in a task" in way
    return is_async, (of_async_httpx if is_async else of_httpx)(library, "HTTP/2" in way)


def is_tried(way: str, mode: str, target: Target, call: str) -> bool:
    """Return whether a call is made: the simple ones against each failure, others against some."""
    if "HTTP/2" in way and target.failure not in {"closed", "silent", "refused"}:
        return False  # the servers send HTTP/1
    if way == "auth" and target.failure == "refused":
        return False  # nothing of the library is above those frames
    if mode == "vcr" and target.slug == "telegram":
        return False  # a recording has the URL that is sent
    if target.failure.startswith("repeats") and (target.slug != "telegram" or "httpx" in way):
        return False  # httpcore logs all headers of a response before anything else sees them
    if call == "cancelled":
        return target.failure == "silent"
    return call in {"get", "post"} or target.failure in {"ok", "401"}


def run(way: str, urls: dict[str, str], outcomes: Outcomes) -> None:
    """Make every call of a way against every failure."""
    is_async, calls = calls_of(way)

    async def each(client: Any) -> None:
        for slug, failure in itertools.product(SLUGS, urls):
            target = Target(slug, failure, urls[failure])
            os.environ[f"{slug.upper()}_BASE_URL"] = target.url
            for name, call in calls(client, target).items():
                if is_tried(way, outcomes.mode, target, name):
                    with outcomes.of(f"{slug}, {failure}, {name}") as search:
                        await call(search) if is_async else call(search)

    async def in_loop() -> None:
        async with vendo.AsyncVendo() as client:
            await each(client)

    if is_async:
        asyncio.run(in_loop(), debug=True)
    else:
        with vendo.Vendo() as client:
            asyncio.run(each(client))
    wait_a_minute()


if __name__ == "__main__":
    main(run)
