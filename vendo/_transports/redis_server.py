"""The application's Redis: one pool of connections for each URL in a process."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from vendo._config.extras import require
from vendo._protocol.secret import Secret, masked
from vendo._transports.fork import notice, on_fork
from vendo.errors import (
    UpstreamConnectionError,
    UpstreamError,
    ValidationError,
    VendoError,
    invalid,
)

#: Seconds for one command, so that nobody waits long where Redis is away.
TIMEOUT = 1.0

_FIX = "Write it like redis://127.0.0.1:6379/0."

_servers: dict[Secret, RedisServer] = {}


class RedisServer:
    """A Redis that connects when it is first used, and again in a forked child."""

    def __init__(self, url: Secret, name: str) -> None:
        self._url = url
        self.name = name
        self._connect()
        on_fork(self, RedisServer._connect)

    def __repr__(self) -> str:
        return "<RedisServer>"

    def _connect(self) -> None:
        self._client = _client(self._url, self.name)

    @property
    def client(self) -> Any:
        """The `redis.Redis` of this process."""
        notice()
        return self._client


def redis_server(url: object, source: str | None = None) -> RedisServer:
    """Return the Redis of a URL, the same one for each caller.

    Args:
        url: the server and its database.
        source: where the URL was set, for errors: an option or a variable. The first one counts.

    Raises:
        MissingExtra: the package `redis` is not installed.
        ValidationError: the URL is malformed.
    """
    name = f"The Redis URL in {source}" if source else "The Redis URL"
    url = masked(url)
    require("redis", "redis")
    if not isinstance(url, Secret):
        raise invalid(f"{name} must be a str.", fix=_FIX)
    # A traceback of `_client` would show the password.
    problem = _client(url, name)
    if isinstance(problem, ValidationError):
        raise problem
    server = _servers.get(url)
    return _servers.setdefault(url, RedisServer(url, name)) if server is None else server


def _client(url: Secret, name: str) -> Any:
    """Return a client, or an error."""
    from redis import ConnectionPool, Redis

    try:
        pool = ConnectionPool(**_options_of(url.reveal()))
        pool.connection_class(**pool.connection_kwargs)  # validates them, and connects to nothing
    except (ValueError, TypeError):
        return invalid(f"{name} is malformed.", fix=_FIX)
    return Redis(connection_pool=pool)


def _options_of(url: str) -> dict[str, Any]:
    """Return what a pool needs. What the library relies on does not follow the URL.

    Raises:
        ValueError: the URL is malformed.
    """
    from redis.backoff import NoBackoff
    from redis.connection import parse_url
    from redis.retry import Retry

    options: dict[str, Any] = {**parse_url(url)}  # type: ignore[no-untyped-call]  # redis-py's
    if not {"path", "db"} & options.keys() and urlsplit(url).path.strip("/"):
        raise ValueError  # redis-py takes a database that is no number for the first one
    options.pop("max_connections", None)
    return options | {
        "socket_timeout": TIMEOUT,
        "socket_connect_timeout": TIMEOUT,
        "retry": Retry(NoBackoff(), 1),  # a kept connection may have ended
        "protocol": 2,
        "decode_responses": False,
        "encoding": "utf-8",
    }


def error_of(failure: Exception, name: str) -> VendoError:
    """Make the error for a `redis.RedisError`. It has no part of the URL."""
    from redis import exceptions

    text = str(failure)
    of_url = f"{name[0].lower()}{name[1:]}"
    if isinstance(failure, exceptions.AuthenticationError) or text.startswith("NOAUTH"):
        problem = f"{name} has no password that the server accepts."
        fix = "Write user and password into it: redis://user:password@host:6379/0."
    elif isinstance(failure, exceptions.NoPermissionError):
        problem = f"The user of {of_url} may not use the keys of vendo."
        fix = "Allow it: ACL SETUSER … ~vendo* +@read +@write +@scripting +@connection +time."
    elif "DB index" in text or "Invalid Database" in text:
        problem, fix = f"{name} names a database that the server does not have.", _FIX
    elif isinstance(failure, exceptions.InvalidResponse):
        problem, fix = f"The server of {of_url} is no Redis.", _FIX
    elif "unknown command" in text.lower():
        problem, fix = f"The server of {of_url} has no streams.", "Use Redis 5.0 or newer."
    elif isinstance(failure, exceptions.ResponseError):
        return UpstreamError(
            "upstream_error",
            f"The server of {of_url} rejects a command ({_reason_of(failure)}).",
            suggested_fix="Check that it can be written to: it is no replica, and has memory left.",
        )
    else:
        return UpstreamConnectionError(
            "upstream_error",
            f"The server of {of_url} does not respond ({type(failure).__name__}).",
            suggested_fix="Check the URL, and that Redis is running and can be reached from here.",
        )
    return invalid(problem, fix=fix)


def _reason_of(failure: Exception) -> str:
    """Return the word with which an error of Redis begins, such as WRONGTYPE, or its class."""
    word = str(failure).partition(" ")[0]
    return word if word.isalpha() and word.isupper() else type(failure).__name__
