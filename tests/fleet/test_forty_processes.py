"""Forty processes, and everything between them failing in turn."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from redis import Redis

from fleet.members import fleet_of
from support.redis_server import RedisServer, redis_server
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from pathlib import Path

    from fleet.members import Fleet, Sight

SIZE = 40


class Streams(set[object]):
    """The open streams of a server. It knows how many there were at most."""

    most = 0

    def add(self, stream: object) -> None:
        super().add(stream)
        self.most = max(self.most, len(self))


@pytest.mark.slow
@pytest.mark.redis
def test_all_see_each_change_whatever_fails(tmp_path: Path) -> None:
    with (
        LocalVendo(connections=["gmail"]) as server,
        redis_server(tmp_path) as redis,
        fleet_of(server) as fleet,
    ):
        events = server._service.state.events
        streams = Streams(events._streams)
        events._streams = streams  # type: ignore[assignment]
        fleet.start_two_groups(SIZE, redis, poll="1", patience="1", missed="1")
        ready(fleet, server)

        asked = server.count("credentials")
        the_token_is_replaced(fleet, server)
        assert server.count("credentials") <= asked + SIZE
        the_leader_dies(fleet, server)
        the_leader_stands_still(fleet, server)
        others_stand_still(fleet, server)
        redis_is_empty_after_a_restart(fleet, server, redis)
        redis_is_paused(fleet, server, redis)
        vendo_restarts(fleet, server)

        the_token_is_replaced(fleet, server)
        assert fleet.size == SIZE - 1
        # One, and that of a leader that stood still. An app may have five.
        assert streams.most <= 2
    counts = {(seen.threads, seen.leads) for _, seen in fleet.sights}
    assert counts == {(2, False), (3, True)}


def ready(fleet: Fleet, server: LocalVendo) -> None:
    """Wait until the fleet is as it should be."""
    fleet.wait_for_mode("redis")
    fleet.wait_for_leader()
    server.wait_for_streams(1, timeout=60)
    fleet.wait_for_token(server.token("gmail"))


def the_token_is_replaced(fleet: Fleet, server: LocalVendo) -> None:
    fleet.wait_for_token(server.rotate("gmail"))
    assert server.open_streams == 1


def the_leader_dies(fleet: Fleet, server: LocalVendo) -> None:
    time.sleep(1.5)  # it has noted the event of before: the next one has it too
    fleet.kill(leads)
    server.wait_for_streams(0)
    token = server.rotate("gmail")  # while nobody leads
    assert fleet.wait_for_leader() <= 5
    fleet.wait_for_token(token)
    ready(fleet, server)


def the_leader_stands_still(fleet: Fleet, server: LocalVendo) -> None:
    with fleet.halted(leads):
        token = server.rotate("gmail")
        fleet.wait_for_leader()
        fleet.wait_for_token(token)
        fleet.wait_for_token(server.rotate("gmail"))
        assert server.open_streams == 2  # the former leader's is still open
    assert fleet.wait_for_leader() <= 5  # it gives up
    ready(fleet, server)


def others_stand_still(fleet: Fleet, server: LocalVendo) -> None:
    some = iter(range(10))
    with fleet.halted(lambda seen: not seen.leads and next(some, None) is not None):
        fleet.wait_for_token(server.rotate("gmail"))
        token = server.rotate("gmail")
        fleet.wait_for_token(token)
    fleet.wait_for_token(token)
    ready(fleet, server)


def redis_is_empty_after_a_restart(fleet: Fleet, server: LocalVendo, redis: RedisServer) -> None:
    redis.stop()
    fleet.wait_for_mode("polling")
    server.wait_for_streams(0)
    fleet.wait_for_token(server.rotate("gmail"))
    redis.start()
    ready(fleet, server)
    the_token_is_replaced(fleet, server)


def redis_is_paused(fleet: Fleet, server: LocalVendo, redis: RedisServer) -> None:
    with redis.halted():
        fleet.wait_for_mode("polling")
        fleet.wait_for_token(server.rotate("gmail"))
    ready(fleet, server)
    the_token_is_replaced(fleet, server)

    with closing(Redis(port=redis.port)) as client:
        client.client_pause(5000)
    fleet.wait_for_mode("polling")
    token = server.rotate("gmail")
    fleet.wait_for_token(token)
    ready(fleet, server)
    the_token_is_replaced(fleet, server)


def vendo_restarts(fleet: Fleet, server: LocalVendo) -> None:
    server.stop()
    server.start()
    ready(fleet, server)
    the_token_is_replaced(fleet, server)


def leads(seen: Sight) -> bool:
    return seen.leads
