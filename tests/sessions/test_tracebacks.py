"""What is left of the frames of an error."""

from __future__ import annotations

import asyncio
import importlib
import os
import traceback
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest
import requests

import vendo
from support.raw_server import RawServer
from support.servers import nowhere

TOKEN = "canary-token-71f3"


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider at an address where nothing listens."""
    monkeypatch.setenv("GMAIL_BASE_URL", nowhere())
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", TOKEN)


def with_requests() -> None:
    vendo.session("gmail").get("/x")


def with_aiohttp() -> None:
    async def main() -> None:
        async with await vendo.aio.session("gmail") as session, session.get("/x"):
            pass

    asyncio.run(main())


def with_httpx(name: str) -> Callable[[], None]:
    def call() -> None:
        library = importlib.import_module(name)
        base_url = os.environ["GMAIL_BASE_URL"]
        with library.Client(auth=vendo.Vendo().httpx_auth("gmail"), base_url=base_url) as client:
            client.get("/x")

    return call


def with_async_httpx(name: str) -> Callable[[], None]:
    async def main() -> None:
        library = importlib.import_module(name)
        auth, base_url = vendo.Vendo().httpx_auth("gmail"), os.environ["GMAIL_BASE_URL"]
        async with library.AsyncClient(auth=auth, base_url=base_url) as client:
            await client.get("/x")

    return lambda: asyncio.run(main())


CALLS: dict[str, tuple[Callable[[], None], Any]] = {
    "requests": (with_requests, requests.ConnectionError),
    "aiohttp": (with_aiohttp, aiohttp.ClientConnectorError),
    "httpx": (with_httpx("httpx"), Exception),
    "httpx2": (with_httpx("httpx2"), Exception),
    "httpx in a task": (with_async_httpx("httpx"), Exception),
    "httpx2 in a task": (with_async_httpx("httpx2"), Exception),
}


def variables_of(error: BaseException) -> str:
    """All variables of all frames of an error and of those behind it, but those of this file."""
    shown = []
    link: BaseException | None = error
    while link is not None:
        for frame, _ in traceback.walk_tb(link.__traceback__):
            if frame.f_code.co_filename != __file__:
                shown.append(repr(frame.f_locals))
        link = link.__cause__ or link.__context__
    return "\n".join(shown)


@pytest.mark.parametrize("name", CALLS)
def test_failed_request_shows_no_token_in_any_frame(name: str) -> None:
    call, error = CALLS[name]
    with pytest.raises(error) as caught:
        call()
    assert TOKEN not in variables_of(caught.value)


@pytest.mark.parametrize("name", [name for name in CALLS if "httpx" in name])
def test_frames_below_a_request_that_went_out_are_cut(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RawServer(b"") as server, pytest.raises(Exception) as caught:  # noqa: PT012  # of either library
        monkeypatch.setenv("GMAIL_BASE_URL", server.url)
        CALLS[name][0]()

    behind = caught.value.__cause__
    assert behind is not None
    assert server.requests
    while behind is not None:
        assert behind.__traceback__ is None
        behind = behind.__cause__ or behind.__context__


@pytest.mark.parametrize("name", CALLS)
def test_error_that_the_caller_was_handling_keeps_its_frames(name: str) -> None:
    call, error = CALLS[name]
    own = KeyError("of the caller")
    try:
        raise own  # the point
    except KeyError:
        with pytest.raises(error):
            call()
    assert own.__traceback__ is not None
    assert own.__traceback__.tb_frame.f_code.co_name.startswith("test_error_that")
