"""The changes of an app's connections, read once for all its processes and sent through Redis.

One process leads: it reads the app's event stream, and adds each change to a stream in Redis. Every
process reads that stream at a position of its own. While Redis is away, each polls the connections.
"""

from __future__ import annotations

import time
from contextlib import suppress
from hashlib import sha256
from queue import Empty, SimpleQueue
from random import uniform
from typing import Any
from uuid import uuid4

from vendo._client.change_source import Poller
from vendo._client.leadership import KEPT_SECONDS, LEASE_INTERVAL, MISSED, Leadership, text_of
from vendo._client.outbox import Outbox
from vendo._config.slugs import is_slug
from vendo._protocol.log import visible as logger
from vendo._protocol.moments import elapsed
from vendo._transports.redis_server import error_of
from vendo.errors import VendoError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import TypeAlias

    from vendo._client.interfaces import EventSource
    from vendo._client.watched_tokens import WatchedTokens
    from vendo._config.settings import Scope
    from vendo._tokens.flights import CacheKey
    from vendo._transports.redis_server import RedisServer

    #: Of a change: the time of Redis in milliseconds, and a number.
    Position: TypeAlias = tuple[int, int]

#: Seconds for which a process waits for changes in one command, less than its time-out.
READ_SECONDS = 0.5
#: Changes that are read with one command, at most.
_MOST_CHANGES = 100
#: Changes that are kept for processes that were away.
KEPT_CHANGES = 1000
#: Seconds within which a fleet fetches a token again that was replaced.
SPREAD_SECONDS = 2.0
#: Seconds. A process begins to read this much before its oldest token, since clocks differ.
_MARGIN = 10.0
#: Seconds by which the clocks of two machines may drift apart while a process runs.
_DRIFT = 2.0
#: Seconds without a read after which it may have missed changes.
_LONG = 30.0
#: Seconds before the first poll without Redis, at most. It is often back by then.
_PATIENCE = 15.0

_REJECTED = "token.rejected"


class RedisBus:
    """Reads the changes in this process. `run` is its thread; the leader has another one."""

    def __init__(
        self, client: EventSource, scope: Scope, tokens: WatchedTokens, server: RedisServer
    ) -> None:
        self._client = client
        self._tokens = tokens
        self._server = server
        url, key = scope
        # Nothing leads from the digest back to the key, which is random.
        app = sha256(f"{url}\n{key.reveal()}".encode()).hexdigest()[:32]
        self._prefix = f"vendo:{{{app}}}"  # in braces: a cluster keeps its names in one place
        self._stream_name = f"{self._prefix}:changes"
        self._leadership = Leadership(
            client, server, self._prefix, self._add, is_behind=tokens.are_behind()
        )
        self._rejections = Outbox(self._add_rejection, SPREAD_SECONDS)
        self._is_closed = False
        self._wake: SimpleQueue[None] = SimpleQueue()
        #: Of the last change that was read; zero before the first look.
        self._position: Position = (0, 0)
        #: Of the oldest change that was there at the last look.
        self._oldest: Position = (0, 0)
        self._read_at = 0.0
        #: What the clock of Redis is ahead of this machine's, in seconds, and what it was at the
        #: last look. A change that was there already may be older than the tokens.
        self._ahead = 0.0
        self._looked_at = 0.0
        #: Only while Redis is away, and when it polls next.
        self._poller: Poller | None = None
        self._poll_at = 0.0

    @property
    def mode(self) -> str:
        """`redis`, or `polling` while it is away."""
        return "redis" if self._poller is None else "polling"

    def check(self) -> None:
        """Check that Redis can be used.

        Raises:
            ValidationError: it does not accept the password, has no streams, or forbids a command.
            UpstreamConnectionError: it does not respond.
        """
        from redis import RedisError

        try:
            self._try_all()
        except RedisError as failure:
            error = error_of(failure, self._server.name)
        else:
            return
        raise without_frames(error)

    def _try_all(self) -> None:
        """Send a command of each kind at once, so that a Redis that hangs costs two seconds."""
        name = f"{self._prefix}:check:{uuid4().hex}"
        with self._redis.client() as another, self._redis.pipeline(transaction=False) as pipeline:
            another.ping()  # it needs a connection of its own to lead
            pipeline.time()
            pipeline.xread({self._stream_name: "$"}, count=1)
            pipeline.xadd(name, {"kind": "check"}, maxlen=KEPT_CHANGES)
            pipeline.expire(name, KEPT_SECONDS)
            pipeline.xrange(name, count=1)
            pipeline.eval("return redis.call('del', KEYS[1])", 1, name)
            pipeline.set(name, "check", nx=True, px=1)
            pipeline.get(name)
            _outcomes(pipeline)

    def run(self) -> None:
        """Read changes until `close`.

        Raises:
            VendoError: the backend rejects the key.
        """
        from redis import RedisError

        try:
            while not self._is_closed:
                try:
                    self._try_all()  # one that fails later would come and go
                    self._look()
                    while not self._is_closed:
                        self._leadership.seek()
                        self._read()
                        self._stop_polling()
                except RedisError as failure:
                    self._poll(error_of(failure, self._server.name))
        finally:
            self._leadership.resign()

    def close(self) -> None:
        """End `run`, which may be in another thread."""
        self._is_closed = True
        self._wake.put(None)

    def rejected(self, key: CacheKey) -> None:
        """Tell the other processes of a rejected token. It returns at once."""
        if self._poller is not None:
            return  # Redis is away: they see the same rejection
        self._rejections.put((key[3], key[2] or ""))

    @property
    def _redis(self) -> Any:
        return self._server.client

    # Read

    def _look(self) -> None:
        """Begin to read, or go on."""
        redis = self._redis
        seconds, micros = redis.time()
        now = self._looked_at = seconds + micros / 1e6
        self._ahead = now - time.time()
        kept = redis.xrange(self._stream_name, count=1)
        if not kept:  # a change that means nothing, so that it is seen if Redis loses it
            added = self._add({"kind": "begun"})
            kept = redis.xrange(self._stream_name, count=1) or [(added, {})]  # another's, perhaps
        oldest, before = _position_of(kept[0][0]), self._oldest
        is_first = not any(before)
        is_lost = not is_first and (
            (before != oldest and not before < oldest <= self._position)
            or self._position[0] > now * 1000  # another Redis, whose clock is behind
        )
        if is_first or is_lost:
            token = self._tokens.oldest()
            begin = now if token is None else min(token + self._ahead, now)
            self._position = (int((begin - _MARGIN) * 1000), 0)
            is_lost = is_lost or (token is not None and begin < oldest[0] / 1000)
        self._oldest = oldest
        self._read_at = elapsed()
        if is_lost:
            self._tokens.missed()

    def _read(self) -> None:
        if elapsed() - self._read_at > _LONG:  # the process stood still
            self._look()
        position = "{}-{}".format(*self._position)
        found = self._redis.xread(
            {self._stream_name: position}, count=_MOST_CHANGES, block=int(READ_SECONDS * 1000)
        )
        self._read_at = elapsed()
        for _, changes in found:
            if len(changes) == _MOST_CHANGES:  # it is behind, and may have lost the oldest
                self._look()
            for change in changes:
                self._position = _position_of(change[0])
                self._apply(change[1])

    def _apply(self, fields: dict[Any, Any]) -> None:
        """Do what a change demands. Anybody with access to Redis may have written it."""
        values = {text_of(name): text_of(value) for name, value in fields.items()}
        kind, slug = values.get("kind", ""), values.get("slug", "")
        moment = self._position[0] / 1000
        before = moment - self._ahead + _DRIFT if moment < self._looked_at else float("inf")
        if kind == MISSED:
            self._tokens.missed(before)
        elif not is_slug(slug):
            return
        elif kind == _REJECTED:
            self._tokens.rejected(slug, values.get("user"), SPREAD_SECONDS, before)
        elif kind == "connection.changed":
            self._tokens.replaced(slug, SPREAD_SECONDS, before)
        elif kind.startswith("connection."):
            self._tokens.forget(slug, before)

    # Write

    def _add(self, fields: dict[str, str]) -> bytes:
        """Add a change. Return its id."""
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.xadd(self._stream_name, fields, maxlen=KEPT_CHANGES)
            pipeline.expire(self._stream_name, KEPT_SECONDS)
            added: bytes = _outcomes(pipeline)[0]
            return added

    def _add_rejection(self, slug: str, user: str) -> None:
        from redis import RedisError

        with suppress(RedisError):  # the other processes see the same rejection
            self._add({"kind": _REJECTED, "slug": slug, "user": user})

    # Without Redis

    def _poll(self, problem: VendoError) -> None:
        """Poll when it is due, and wait before Redis is tried again."""
        if self._poller is None:
            logger.warning("%s Polling the connections meanwhile.", problem.message)
            self._poller = Poller(self._client, self._tokens, is_behind=True)
            self._poll_at = elapsed() + uniform(0, _PATIENCE)  # noqa: S311  # spreads load
        self._leadership.resign()
        with suppress(Empty):
            self._wake.get(timeout=LEASE_INTERVAL)
            return
        if elapsed() >= self._poll_at:
            self._poll_at = elapsed() + self._poller.poll()

    def _stop_polling(self) -> None:
        if self._poller is not None:
            self._poller = None
            logger.warning("Redis is back.")


def _outcomes(pipeline: Any) -> list[Any]:
    """Send commands. Raise the first error as it is: redis-py writes the command into its text."""
    outcomes: list[Any] = pipeline.execute(raise_on_error=False)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            raise outcome
    return outcomes


def _position_of(change_id: bytes) -> Position:
    milliseconds, _, number = text_of(change_id).partition("-")
    return int(milliseconds), int(number)
