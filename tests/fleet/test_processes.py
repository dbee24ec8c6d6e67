"""Real processes, a real Redis, and everything between them failing."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from fleet.members import Fleet, fleet_of
from support.redis_server import RedisServer
from vendo._client import redis_bus
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail", "slack"]) as server:
        yield server


@pytest.fixture
def fleet(server: LocalVendo) -> Iterator[Fleet]:
    with fleet_of(server) as fleet:
        yield fleet


def start(fleet: Fleet, server: LocalVendo, redis: RedisServer, n: int, **options: str) -> None:
    """Start two groups, each with variables of its own, and wait until all have a token."""
    fleet.start_two_groups(n, redis, **options)
    fleet.wait_for_token(server.token("gmail"))
    server.wait_for_streams(1)


def test_processes_without_a_stream_poll_and_take_one_that_becomes_free(
    fleet: Fleet, server: LocalVendo
) -> None:
    fleet.start(8, server.environment(), poll="0.5")
    fleet.wait_for_token(server.token("gmail"))
    fleet.wait(lambda all_: sum(each.mode == "stream" for each in all_) == 5)
    assert fleet.modes() == {"stream": 5, "polling": 3}

    for _ in range(3):
        fleet.wait_for_token(server.rotate("gmail"))
    holders = iter("ab")
    fleet.kill(lambda seen: seen.mode == "stream" and next(holders, None) is not None)
    fleet.wait(lambda all_: sum(each.mode == "stream" for each in all_) == 5)
    assert fleet.modes() == {"stream": 5, "polling": 1}
    fleet.wait_for_token(server.rotate("gmail"))
    server.disconnect("gmail")
    fleet.wait_for_token("NotConnected")


@pytest.mark.redis
def test_one_stream_serves_all_processes(
    fleet: Fleet, server: LocalVendo, redis: RedisServer
) -> None:
    start(fleet, server, redis, 8)
    fleet.wait_for_mode("redis")
    asked = server.count("credentials")

    fleet.wait_for_token(server.rotate("gmail"))
    assert server.count("credentials") <= asked + 8
    server.disconnect("gmail")
    fleet.wait_for_token("NotConnected")
    server.connect("gmail")
    fleet.wait_for_token(server.token("gmail"))
    assert server.open_streams == 1
    assert server.count("api") <= 1  # the leader's list, from the start


@pytest.mark.redis
def test_another_process_leads_and_nothing_is_missed(
    fleet: Fleet, server: LocalVendo, redis: RedisServer
) -> None:
    start(fleet, server, redis, 6)
    fleet.wait(lambda all_: any(each.leads for each in all_))
    fleet.wait_for_token(server.rotate("gmail"))
    time.sleep(1.5)  # the leader has noted the event: the next one has it too
    fleet.kill(lambda seen: seen.leads)
    server.wait_for_streams(0)
    token = server.rotate("gmail")  # while nobody reads

    assert fleet.wait(lambda all_: any(each.leads for each in all_)) < 5
    fleet.wait_for_token(token)
    server.wait_for_streams(1)


@pytest.mark.redis
def test_redis_may_be_away_empty_or_paused(
    fleet: Fleet, server: LocalVendo, redis: RedisServer
) -> None:
    start(fleet, server, redis, 6, poll="0.5", patience="0.5", missed="0.5")
    redis.stop()
    fleet.wait_for_mode("polling")
    fleet.wait_for_token(server.rotate("gmail"))
    server.wait_for_streams(0)

    redis.start()  # with nothing in it
    fleet.wait_for_mode("redis")
    server.wait_for_streams(1)
    fleet.wait_for_token(server.rotate("gmail"))

    with redis.halted():
        fleet.wait_for_mode("polling")
        fleet.wait_for_token(server.rotate("gmail"))
    fleet.wait_for_mode("redis")
    fleet.wait_for_token(server.rotate("gmail"))


@pytest.mark.redis
def test_vendo_may_restart(fleet: Fleet, server: LocalVendo, redis: RedisServer) -> None:
    start(fleet, server, redis, 6)
    fleet.wait_for_token(server.rotate("gmail"))
    server.stop()
    server.start()
    server.wait_for_streams(1, timeout=60)
    fleet.wait_for_token(server.rotate("gmail"))


@pytest.mark.redis
def test_a_rejection_in_one_process_renews_the_token_in_all(
    fleet: Fleet, server: LocalVendo, redis: RedisServer
) -> None:
    start(fleet, server, redis, 6)
    environment = {
        **server.environment(),
        "VENDO_REDIS_URL": f"redis://127.0.0.1:{redis.port}/0",
    }
    fleet.start(1, environment, uses="a session")
    fleet.wait_for_token(server.token("gmail"))
    asked = server.count("credentials")

    server.expire("gmail")  # no event tells of it: the member with a session sees the 401
    fleet.wait_for_token(server.token("gmail"))
    assert server.count("credentials") <= asked + 7


@pytest.mark.redis
def test_a_change_while_nobody_leads_is_not_missed_without_events_before(
    fleet: Fleet, server: LocalVendo, redis: RedisServer
) -> None:
    start(fleet, server, redis, 6, missed="0.5")
    fleet.wait_for_leader()
    fleet.kill(lambda seen: seen.leads)
    server.wait_for_streams(0)
    token = server.rotate("gmail")  # no leader has noted an event so far
    fleet.wait_for_leader()
    fleet.wait_for_token(token, timeout=10)


@pytest.mark.redis
def test_a_change_before_the_leader_has_its_stream_is_not_missed(
    fleet: Fleet, server: LocalVendo, redis: RedisServer
) -> None:
    start(fleet, server, redis, 6, poll="0.5", patience="0.5", missed="0.5")
    redis.stop()
    fleet.wait_for_mode("polling")
    server.wait_for_streams(0)
    fleet.wait_for_token(server.rotate("gmail"))  # each has the list of connections
    opened = server.count("events")
    with server.hold("events"):
        redis.start()
        fleet.wait_for_mode("redis")
        server.wait_for_requests(opened + 1, "events")
        token = server.rotate("gmail")
    fleet.wait_for_token(token, timeout=10)


@pytest.mark.redis
def test_a_process_that_stood_still_sees_that_it_missed_changes(
    fleet: Fleet, server: LocalVendo, redis: RedisServer
) -> None:
    start(fleet, server, redis, 6, missed="0.5")
    fleet.wait_for_leader()
    some = iter("a")
    with fleet.halted(lambda seen: not seen.leads and next(some, None) is not None):
        server.rotate("slack")  # the answer to the command that it has sent
        token = server.rotate("gmail")
        fleet.wait_for_token(token)
        for _ in range(redis_bus.KEPT_CHANGES + 200):  # the stream is cut at its old end
            server.rotate("slack")
        last = server.emit("connection.changed", slug="slack").encode()
        with closing(Redis(port=redis.port)) as client:
            (name,) = client.keys("vendo:*:position")
            deadline = time.monotonic() + 60
            while client.get(name) != last:  # the leader notes it once a second
                assert time.monotonic() < deadline
                time.sleep(0.01)
    fleet.wait_for_token(token, timeout=10)
