"""Replay protection in Redis, for all processes of an application on all its machines."""

from __future__ import annotations

from vendo._protocol.secret import masked
from vendo._transports.redis_server import redis_server

_RENEW = "return redis.call('get',KEYS[1])==ARGV[1] and redis.call('expire',KEYS[1],ARGV[2]) or 0"
_DISCARD = "return redis.call('get',KEYS[1])==ARGV[1] and redis.call('del',KEYS[1]) or 0"


class RedisReplayCache:
    """Keep what is needed for replay protection in Redis. It connects when it is first used.

    Its methods are those of `ReplayStore`. Needs the extra `redis`.

    Args:
        url: the server and its database, such as `redis://127.0.0.1:6379/0`, or `rediss://` for
            TLS.
        source: where the URL was set, for errors: an option or a variable.

    Raises:
        MissingExtra: the package `redis` is not installed.
        ValidationError: the URL is malformed.

    Example:
        ```python
        from vendo.web import RedisReplayCache

        store = RedisReplayCache("redis://127.0.0.1:6379/0", source="ACME_REDIS_URL")
        ```
    """

    def __init__(self, url: str, *, source: str | None = None) -> None:
        url = masked(url)
        self._server = redis_server(url, source)

    def __repr__(self) -> str:
        return "<RedisReplayCache>"

    def add(self, key: str, value: str, seconds: int) -> str | None:
        """Keep a value unless the key has one. Return the key's value."""
        for _ in range(2):
            if self._server.client.set(key, value, ex=seconds, nx=True):
                return value
            kept: bytes | None = self._server.client.get(key)
            if kept is not None:
                return kept.decode()
            # It has just ended.
        return None

    def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a value, in place of any other."""
        self._server.client.set(key, value, ex=seconds)

    def renew(self, key: str, value: str, seconds: int) -> bool:
        """Keep a value for longer, if the key still has it."""
        return bool(self._server.client.eval(_RENEW, 1, key, value, seconds))

    def discard(self, key: str, value: str) -> None:
        """Forget a key, if it still has this value."""
        self._server.client.eval(_DISCARD, 1, key, value)
