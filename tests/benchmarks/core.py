"""Figures of the core: the cost of a token, of a session, and of many callers."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import time
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING

import requests

import vendo
from benchmarks.harness import Figure, exactly, ratio, running_service, seconds, spread
from vendo._protocol.moments import Moment
from vendo._tokens.cache import TokenCache
from vendo._transports.blocking import BlockingTransport

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "vendo_sk_" + "k" * 32


def figures() -> Iterator[Figure]:
    """Yield every figure."""
    yield from _hot_tokens()
    yield from _cold_fetches()
    yield from _sessions()
    yield from _crowds()
    yield _memory()


def _hot_tokens() -> Iterator[Figure]:
    os.environ["X"] = "x"
    os.environ["OPENAI_API_KEY"] = "sk-benchmark"
    os.environ.pop("VENDO_API_KEY", None)
    yield Figure(
        "`token()` in OSS mode",
        '`os.environ["X"]`',
        ratio(lambda: vendo.token("openai"), lambda: os.environ["X"]),
        12,
    )
    with running_service() as address:
        os.environ["VENDO_API_KEY"] = KEY
        os.environ["VENDO_CREDENTIALS_URL"] = address.url
        vendo.token("openai")
        yield Figure(
            "`token()` cached in Vendo mode",
            '`os.environ["X"]`',
            ratio(lambda: vendo.token("openai"), lambda: os.environ["X"]),
            8,
        )
        del os.environ["VENDO_API_KEY"], os.environ["VENDO_CREDENTIALS_URL"]


def _cold_fetches() -> Iterator[Figure]:
    for tls in (False, True):
        with running_service(tls=tls) as address:
            context = ssl.create_default_context(cafile=address.ca_file) if tls else None
            client = vendo.Vendo(
                KEY,
                credentials_url=address.url,
                transport=BlockingTransport(ssl_context=context),
            )
            kept = (
                http.client.HTTPSConnection(address.host, address.port, context=context)
                if tls
                else http.client.HTTPConnection(address.host, address.port)
            )
            headers = {"Authorization": f"Bearer {KEY}", "Accept": "application/json"}

            def ours(client: vendo.Vendo = client) -> None:
                client.invalidate("openai")
                client.token("openai")

            def plain(
                kept: http.client.HTTPConnection = kept, headers: dict[str, str] = headers
            ) -> None:
                kept.request("GET", "/openai", headers=headers)
                json.loads(kept.getresponse().read())["access_token"]

            yield Figure(
                f"cold fetch on a kept connection, {'TLS' if tls else 'plain'}",
                "`http.client` kept open",
                ratio(ours, plain),
                1.5,
            )
            kept.close()
            client.close()


def _sessions() -> Iterator[Figure]:
    with running_service() as address:
        os.environ["VENDO_TOKEN_GMAIL"] = "t" * 64
        ours = vendo.Vendo().session("gmail", hosts=[address.host])
        plain = requests.Session()
        plain.headers["Authorization"] = "Bearer " + "t" * 64
        url = f"{address.url}/profile"
        yield Figure(
            "`session.get`",
            "`requests.Session` with a fixed header",
            ratio(lambda: ours.get(url), lambda: plain.get(url)),
            1.0,
        )
        ours.close()
        plain.close()
        del os.environ["VENDO_TOKEN_GMAIL"]


def _crowds() -> Iterator[Figure]:
    latency = 0.1
    with running_service(latency=latency) as address:
        client = vendo.Vendo(KEY, credentials_url=address.url)
        client.token("warm")
        rounds = 10
        taken = [_together(client, [f"slug{number}"] * 200) for number in range(rounds)]
        so_far = requests.get(f"{address.url}/requests-so-far", timeout=10).json()
        requests_each = exactly((so_far - 1) / rounds)
        yield Figure("200 threads, one cold token: requests", "one", requests_each, 1, "")
        yield Figure(
            "200 threads, one cold token: time",
            "the service's own time",
            spread(took / latency for took in taken),
            1.3,
        )
    latency = 0.05
    with running_service(latency=latency) as address:
        client = vendo.Vendo(KEY, credentials_url=address.url)
        client.token("warm")
        ratios = []
        for round_ in range(10):
            one = seconds(lambda: _one(client))
            slugs = [f"slug{round_}-{number}" for number in range(50)]
            ratios.append(_together(client, slugs) / one)
        yield Figure("50 threads, 50 cold tokens", "one token's time", spread(ratios), 1.5)


def _one(client: vendo.Vendo) -> None:
    client.invalidate("warm")
    client.token("warm")


def _together(client: vendo.Vendo, slugs: list[str]) -> float:
    """Return the seconds from the common start of all threads until the last has its token."""
    barrier = Barrier(len(slugs) + 1)

    def fetch(slug: str) -> None:
        barrier.wait()
        client.token(slug)

    with ThreadPoolExecutor(len(slugs)) as pool:
        pending = [pool.submit(fetch, slug) for slug in slugs]
        barrier.wait()
        begin = time.perf_counter()
        for future in pending:
            future.result()
        return time.perf_counter() - begin


def _memory() -> Figure:
    tracemalloc.start()
    cache = TokenCache()
    before = tracemalloc.get_traced_memory()[0]
    for number in range(20_000):
        key = ("https://credentials.vendo.run", KEY, f"{number:064x}", "gmail")
        claim = cache.claim(key)
        assert not isinstance(claim, str)
        cache.land(claim.flight, f"{number:0100d}", 3600.0, Moment())
    used = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    return Figure(
        f"20 000 users' tokens of 100 characters, {len(cache)} stay cached",
        "memory",
        exactly(used / 1e6),
        10,
        "MB",
    )
