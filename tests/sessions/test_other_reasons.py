"""A 401 for another reason than the token: it costs few fetches, and the token stays in use."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

import vendo
from vendo.testing import LocalVendo

Get = Callable[[str], int]

#: No pauses between attempts.
AT_ONCE = vendo.RetryPolicy(1)


def by_session(client: vendo.Vendo, slug: str) -> Iterator[Get]:
    with client.session(slug) as session:
        yield lambda url: session.get(url).status_code


def by_auth(client: vendo.Vendo, slug: str) -> Iterator[Get]:
    with requests.Session() as session:
        session.auth = client.auth(slug)
        yield lambda url: session.get(url, timeout=10).status_code


def by_aiohttp(_client: vendo.Vendo, slug: str) -> Iterator[Get]:
    async def get(url: str) -> int:
        async with (
            vendo.AsyncVendo(retry=AT_ONCE) as aclient,
            await aclient.session(slug) as session,
            session.get(url) as response,
        ):
            return response.status

    yield lambda url: asyncio.run(get(url))


def _by_httpx(name: str) -> Callable[[vendo.Vendo, str], Iterator[Get]]:
    library = importlib.import_module(name)

    def way(client: vendo.Vendo, slug: str) -> Iterator[Get]:
        with library.Client(auth=client.httpx_auth(slug)) as http:
            yield lambda url: http.get(url).status_code

    return way


WAYS = {
    "session": by_session,
    "auth": by_auth,
    "aiohttp": by_aiohttp,
    "httpx2": _by_httpx("httpx2"),
    "httpx": _by_httpx("httpx"),
}


@pytest.fixture
def client(server: LocalVendo) -> Iterator[vendo.Vendo]:
    with vendo.Vendo(retry=AT_ONCE) as client:
        yield client


@pytest.fixture(params=list(WAYS))
def get(request: pytest.FixtureRequest, client: vendo.Vendo) -> Iterator[Get]:
    yield from WAYS[request.param](client, "openai")


@pytest.fixture
def urls(server: LocalVendo) -> tuple[str, str]:
    """The addresses of a good endpoint, and of one that rejects every token."""
    server.respond("openai", "GET", "/v1/secret", status=401, body={"error": "no permission"})
    base = server.provider_url("openai")
    return f"{base}/v1/models", f"{base}/v1/secret"


def fetches(server: LocalVendo) -> int:
    return server.count("credentials")


def test_fifty_rejections_of_a_new_token_cost_two_fetches(
    server: LocalVendo, get: Get, urls: tuple[str, str]
) -> None:
    assert {get(urls[1]) for _ in range(50)} == {401}
    assert fetches(server) <= 5
    assert get(urls[0]) == 200


def test_concurrent_rejections_cost_two_fetches(
    server: LocalVendo, client: vendo.Vendo, urls: tuple[str, str]
) -> None:
    def get(_number: int) -> int:
        with client.session("openai") as session:
            return session.get(urls[1]).status_code

    with ThreadPoolExecutor(50) as threads:
        assert set(threads.map(get, range(50))) == {401}
    assert fetches(server) <= 4


def test_accepted_token_serves_others_while_the_backend_is_down(
    server: LocalVendo, get: Get, urls: tuple[str, str]
) -> None:
    assert get(urls[0]) == 200
    server.fail("credentials", status=503, times=None)
    assert [get(urls[1]), get(urls[0]), get(urls[1]), get(urls[0])] == [401, 200, 401, 200]
    assert fetches(server) <= 3


def test_token_that_was_never_accepted_is_dropped_while_the_backend_is_down(
    server: LocalVendo, client: vendo.Vendo, get: Get, urls: tuple[str, str]
) -> None:
    client.token("openai")
    server.fail("credentials", status=503, times=None)
    for _ in range(2):
        with pytest.raises(vendo.UpstreamError):
            get(urls[1])
    with pytest.raises(vendo.UpstreamError):
        client.token("openai")


def test_accepted_token_is_dropped_if_the_backend_takes_it_back(
    server: LocalVendo, client: vendo.Vendo, get: Get, urls: tuple[str, str]
) -> None:
    assert get(urls[0]) == 200
    server.set_status("openai", "needs_reauth")
    with pytest.raises(vendo.NeedsReauth):
        get(urls[1])
    with pytest.raises(vendo.NeedsReauth):
        client.token("openai")


@pytest.mark.parametrize("status", [403, 404, 429, 500])
def test_only_a_success_counts_as_acceptance(
    server: LocalVendo, client: vendo.Vendo, get: Get, urls: tuple[str, str], status: int
) -> None:
    assert get(f"{server.provider_url('openai')}/status/{status}") == status
    server.fail("credentials", status=503, times=None)
    with pytest.raises(vendo.UpstreamError):
        get(urls[1])


def test_slow_backend_delays_no_other_caller(
    server: LocalVendo, client: vendo.Vendo, urls: tuple[str, str]
) -> None:
    with client.session("openai") as session:
        assert session.get(urls[0]).status_code == 200
    with server.hold("credentials") as gate, ThreadPoolExecutor(1) as thread:
        rejected = thread.submit(lambda: client.session("openai").get(urls[1]).status_code)
        gate.wait_for(1)
        with client.session("openai") as session:
            assert session.get(urls[0]).status_code == 200
        gate.release()
        assert rejected.result() == 401


def test_invalidate_with_the_token_of_a_refused_call_costs_few_fetches(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    for _ in range(50):
        client.invalidate("openai", token=client.token("openai"))
    assert fetches(server) <= 5
