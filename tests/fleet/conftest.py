"""A real Redis for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from support.redis_server import RedisServer, redis_server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with redis_server(tmp_path) as redis:
        yield redis


@pytest.fixture
def url(redis: RedisServer) -> str:
    return f"redis://127.0.0.1:{redis.port}/0"


@pytest.fixture
def admin(url: str) -> Iterator[Any]:
    """Return a client that changes the Redis behind the library's back."""
    from redis import Redis

    with Redis.from_url(url) as admin:
        yield admin
