"""Replay protection in a real Redis."""

from __future__ import annotations

import logging
import socket
import subprocess
import sys
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from redis import Redis

import vendo
from support.servers import surroundings
from vendo import web

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.redis


@pytest.fixture
def url(redis_port: int) -> str:
    return f"redis://127.0.0.1:{redis_port}/6"


@pytest.fixture
def store(url: str) -> web.RedisReplayCache:
    return web.RedisReplayCache(url)


@pytest.fixture
def redis(url: str) -> Iterator[Redis]:
    with Redis.from_url(url) as redis:
        yield redis


@pytest.fixture
def key() -> str:
    return uuid.uuid4().hex


def test_a_value_is_kept_once_and_for_its_time(
    store: web.RedisReplayCache, redis: Redis, key: str
) -> None:
    assert store.add(key, "lease a", 60) == "lease a"
    assert store.add(key, "lease b", 900) == "lease a"
    assert 0 < redis.ttl(key) <= 60

    store.put(key, "done", 900)
    assert 60 < redis.ttl(key) <= 900
    assert web.RedisReplayCache(store._server._url.reveal()).add(key, "lease b", 60) == "done"


def test_a_lease_is_renewed_and_released_by_its_owner_alone(
    store: web.RedisReplayCache, redis: Redis, key: str
) -> None:
    store.add(key, "lease a", 60)

    assert not store.renew(key, "lease b", 900)
    assert redis.ttl(key) <= 60
    assert store.renew(key, "lease a", 900)
    assert redis.ttl(key) > 60
    store.discard(key, "lease b")
    assert store.add(key, "lease c", 60) == "lease a"
    store.discard(key, "lease a")
    assert not store.renew(key, "lease a", 900)
    assert store.add(key, "lease c", 60) == "lease c"


def test_a_kept_connection_that_has_ended_is_replaced(
    store: web.RedisReplayCache, redis: Redis, key: str
) -> None:
    store.add(key, "lease a", 60)
    redis.client_kill_filter(_type="normal", skipme=True)

    assert store.add(key, "lease b", 60) == "lease a"


_FORKING = """
import os, sys
from support.raw_fork import raw_fork
from vendo.web import RedisReplayCache
store, key = RedisReplayCache(sys.argv[1]), sys.argv[2]
store.add(key, "parent", 60)
child = raw_fork()
me = "child" if child == 0 else "parent"
for number in range(200):
    found = store.add(f"{key} {me} {number}", f"{me} {number}", 60)
    assert found == f"{me} {number}", found
if child == 0:
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
"""


def test_processes_do_not_share_a_connection_after_a_fork_without_hooks(url: str, key: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _FORKING, url, key],
        env=surroundings({}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_no_log_record_shows_the_password(
    redis_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        closed = probe.getsockname()[1]
    with caplog.at_level(logging.DEBUG):
        for port in (redis_port, closed):  # Redis has no password, and rejects one
            store = web.RedisReplayCache(f"redis://canary:canary@127.0.0.1:{port}/6")
            handled: list[int] = []
            web.handle_once(store, "evt_1", lambda: handled.append(1))  # noqa: B023
            assert handled == [1]

    assert "canary" not in caplog.text + repr(store)
    assert "without replay protection" in caplog.text


@pytest.mark.parametrize(
    "url", [None, 5, "", "canary://:canary@127.0.0.1", "redis://x/0?canary=1", "redis://x:canary"]
)
def test_a_malformed_url_is_refused(url: Any) -> None:
    with pytest.raises(vendo.ValidationError, match="Redis URL") as caught:
        web.RedisReplayCache(url)
    assert "canary" not in str(caught.value)
