"""A Redis that responds and rejects commands: it is full, a replica, or has another's keys."""

from __future__ import annotations

import logging
import re
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from support.redis_server import redis_server
from support.watches import until, until_mode
from vendo._client import change_source, redis_bus, watched_tokens
from vendo.errors import UpstreamConnectionError
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


pytestmark = pytest.mark.redis


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    monkeypatch.setattr(change_source, "POLL_SECONDS", 0.3)
    monkeypatch.setattr(redis_bus, "_PATIENCE", 0.1)
    monkeypatch.setattr(watched_tokens, "MISSED_SECONDS", 0.1)
    with LocalVendo(connections=["gmail"]) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


def polled_since(server: LocalVendo, polls: int) -> bool:
    return server.count("api") > polls


def fill(admin: Any) -> None:
    admin.config_set("maxmemory-policy", "noeviction")
    admin.config_set("maxmemory", 1)


def make_replica(admin: Any) -> None:
    admin.execute_command("REPLICAOF", "127.0.0.1", "1")


def take_name(admin: Any) -> None:
    (name,) = admin.keys("vendo:*:changes")
    admin.set(name, "of another program")


WAYS: dict[str, tuple[Callable[[Any], None], Callable[[Any], object]]] = {
    "OutOfMemoryError": (fill, lambda admin: admin.config_set("maxmemory", 0)),
    "ReadOnlyError|UNBLOCKED": (
        make_replica,
        lambda admin: admin.execute_command("REPLICAOF NO ONE"),
    ),
    "WRONGTYPE": (take_name, lambda admin: admin.flushall()),
}


@pytest.mark.parametrize("reason", WAYS)
def test_it_is_logged_once_and_used_again(
    reason: str, server: LocalVendo, url: str, admin: Any, caplog: pytest.LogCaptureFixture
) -> None:
    break_it, mend_it = WAYS[reason]
    with vendo.events.watch(redis_url=url) as watch, caplog.at_level(logging.INFO, "vendo"):
        server.wait_for_streams(1)
        vendo.token("gmail")
        break_it(admin)
        until_mode(watch, "polling")
        for _ in range(2):  # two polls, with many attempts to use Redis between them
            polls = server.count("api")
            until(partial(polled_since, server, polls))
        new = server.rotate("gmail")
        until(lambda: vendo.token("gmail") == new)
        assert watch.mode == "polling"
        mend_it(admin)
        until_mode(watch, "redis")
        server.wait_for_streams(1)
        new = server.rotate("gmail")
        until(lambda: vendo.token("gmail") == new)
    records = [each.getMessage() for each in caplog.records if "Redis" in each.getMessage()]
    assert len(records) == 2, records
    assert re.search(rf"rejects a command \(({reason})\)", records[0])


def test_a_redis_that_is_emptied_while_it_runs_costs_no_change(
    server: LocalVendo, url: str, admin: Any
) -> None:
    with vendo.events.watch(redis_url=url):
        server.wait_for_streams(1)
        vendo.token("gmail")
        admin.flushall()
        server.wait_for_streams(0)  # it has noticed that its lease is gone
        new = server.rotate("gmail")
        until(lambda: vendo.token("gmail") == new)
        server.wait_for_streams(1)


@pytest.mark.usefixtures("server")
def test_a_redis_without_a_connection_for_the_leader_is_an_error(tmp_path: Path) -> None:
    with (
        redis_server(tmp_path, "--maxclients", "1") as redis,
        pytest.raises(UpstreamConnectionError, match="does not respond"),
    ):
        vendo.events.watch(redis_url=f"redis://127.0.0.1:{redis.port}/0")
