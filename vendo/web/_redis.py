"""Replay protection in Redis, for all processes of an application on all its machines."""

from __future__ import annotations

from typing import Any

from vendo._config.extras import require
from vendo._protocol.secret import Secret, masked
from vendo._transports.fork import notice, on_fork
from vendo.errors import ValidationError, invalid

#: Seconds for one call, so that a webhook is handled in time where Redis is away.
_TIMEOUT = 1.0

_FIX = "Write it like redis://127.0.0.1:6379/0."

_RENEW = "return redis.call('get',KEYS[1])==ARGV[1] and redis.call('expire',KEYS[1],ARGV[2]) or 0"
_DISCARD = "return redis.call('get',KEYS[1])==ARGV[1] and redis.call('del',KEYS[1]) or 0"


class RedisReplayCache:
    """Keeps what is needed for replay protection in Redis. It connects when it is first used.

    Args:
        url: the server and its database, such as `redis://127.0.0.1:6379/0`, or `rediss://` for
            TLS.
        source: where the URL was set, for errors: an option or a variable.

    Raises:
        MissingExtra: the package `redis` is not installed.
        ValidationError: the URL is malformed.
    """

    def __init__(self, url: str, *, source: str | None = None) -> None:
        self._url = masked(url)
        self._name = f"The Redis URL in {source}" if source else "The Redis URL"
        require("redis", "redis")
        self._connect()
        on_fork(self, RedisReplayCache._connect)

    def __repr__(self) -> str:
        return "<RedisReplayCache>"

    def _connect(self) -> None:
        self._client = _client(self._url, self._name)
        if isinstance(self._client, ValidationError):
            raise self._client

    def add(self, key: str, value: str, seconds: int) -> str | None:
        """Keep a value unless the key has one. Return the key's value."""
        notice()
        for _ in range(2):
            if self._client.set(key, value, ex=seconds, nx=True):
                return value
            kept = self._client.get(key)
            if kept is not None:
                return kept.decode() if isinstance(kept, bytes) else str(kept)
            # It has just ended.
        return None

    def put(self, key: str, value: str, seconds: int) -> None:
        """Keep a value, in place of any other."""
        notice()
        self._client.set(key, value, ex=seconds)

    def renew(self, key: str, value: str, seconds: int) -> bool:
        """Keep a value for longer, if the key still has it."""
        notice()
        return bool(self._client.eval(_RENEW, 1, key, value, seconds))

    def discard(self, key: str, value: str) -> None:
        """Forget a key, if it still has this value."""
        notice()
        self._client.eval(_DISCARD, 1, key, value)


def _client(url: object, name: str) -> Any:
    """Return a client, or an error, since a traceback would show the password."""
    if not isinstance(url, Secret):
        return invalid(f"{name} must be a str.", fix=_FIX)
    from redis import Redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    try:
        client = Redis.from_url(
            url.reveal(),
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            retry=Retry(NoBackoff(), 1),  # a kept connection may have ended
        )
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # validates them, and connects to nothing
    except (ValueError, TypeError):
        return invalid(f"{name} is malformed.", fix=_FIX)
    return client
