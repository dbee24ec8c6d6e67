"""The position of one process in the stream that all share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from vendo._client.redis_bus import RedisBus
from vendo._client.watched_tokens import WatchedTokens
from vendo._transports.redis_server import redis_server as redis_server_of
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo import Vendo

pytestmark = pytest.mark.redis


class Tokens(WatchedTokens):
    """Counts what may have been missed."""

    misses = 0

    def missed(self, before: float = float("inf")) -> None:  # as its base
        self.misses += 1


@pytest.fixture
def client() -> Iterator[Vendo]:
    with LocalVendo(["gmail"]) as server, server.client() as client:
        yield client


def bus(client: Vendo, url: str) -> tuple[RedisBus, Tokens]:
    scope = client._settings.scope()
    assert scope
    tokens = Tokens(client)
    return RedisBus(client, scope, tokens, redis_server_of(url)), tokens


def test_processes_that_begin_together_miss_nothing(
    client: Vendo, url: str, admin: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    buses = [bus(client, url) for _ in range(2)]
    (first, _), (second, _) = buses
    added = second._add

    def add_after_the_other(fields: dict[str, str]) -> bytes:
        first._look()  # it sees the empty stream, too
        return added(fields)

    monkeypatch.setattr(second, "_add", add_after_the_other)
    second._look()
    assert admin.xlen(second._stream_name) == 2
    for one, tokens in buses:
        one._look()
        assert tokens.misses == 0


def test_a_stream_that_was_lost_is_noticed(client: Vendo, url: str, admin: Any) -> None:
    one, tokens = bus(client, url)
    one._look()
    admin.flushall()
    one._look()
    one._look()
    assert tokens.misses == 1


def test_a_redis_whose_clock_is_behind_is_noticed(client: Vendo, url: str) -> None:
    one, tokens = bus(client, url)
    one._look()
    one._position = (one._position[0] + 3_600_000, 0)  # as with the Redis of before
    one._look()
    assert tokens.misses == 1
    one._look()
    assert tokens.misses == 1


def test_the_rest_of_a_stream_that_was_cut_is_enough_for_one_that_has_read_it(
    client: Vendo, url: str, admin: Any
) -> None:
    one, tokens = bus(client, url)
    one._look()
    one._add({"kind": "connection.changed", "slug": "slack"})
    one._read()
    admin.xtrim(one._stream_name, maxlen=1, approximate=False)
    one._look()
    assert tokens.misses == 0
    for _ in range(3):
        one._add({"kind": "connection.changed", "slug": "slack"})
    admin.xtrim(one._stream_name, maxlen=1, approximate=False)
    one._look()
    assert tokens.misses == 1
