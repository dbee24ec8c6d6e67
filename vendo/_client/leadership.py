"""Who reads the app's events for all its processes: the one that holds a lease in Redis."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread

from vendo._client.change_source import ChangeSource
from vendo._protocol.moments import elapsed
from vendo.errors import VendoError, without_frames

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from redis.lock import Lock

    from vendo._client.interfaces import EventSource
    from vendo._transports.redis_server import RedisServer

    #: Adds a change to the stream in Redis, and may raise a `redis.RedisError`.
    Add: TypeAlias = Callable[[dict[str, str]], object]

#: Seconds after which another process leads, if the leader is gone.
LEASE_SECONDS = 3.0
#: Seconds between two attempts to take or to renew the lease.
LEASE_INTERVAL = 1.0
#: Seconds for which anything is kept in Redis without a process that uses it.
KEPT_SECONDS = 7 * 24 * 3600
#: Seconds until another attempt, where Vendo has ended the stream.
_PAUSE = 30.0

#: The kind of a change after which all tokens may be old.
MISSED = "missed"


class Leadership:
    """The lease, and the reading of the app's events while this process has it.

    Args:
        client: whose events.
        server: has the lease.
        prefix: of the names in Redis.
        add: adds a change that the leader has read.
        is_behind: whether changes of before may be unknown.
    """

    def __init__(
        self,
        client: EventSource,
        server: RedisServer,
        prefix: str,
        add: Add,
        *,
        is_behind: bool,
    ) -> None:
        self._client = client
        self._server = server
        self._lease_name = f"{prefix}:leader"
        self._position_name = f"{prefix}:position"
        self._stream_name = f"{prefix}:changes"
        self._add = add
        self._reading: _Reading | None = None
        self._lease: Lock | None = None
        self._due = 0.0
        self._is_behind = is_behind

    def seek(self) -> None:
        """Take the lease if it is free, or renew it, each second.

        Raises:
            redis.RedisError: Redis is away.
            VendoError: the backend rejects the key.
        """
        if elapsed() < self._due:
            return
        self._due = elapsed() + LEASE_INTERVAL
        reading, lease = self._reading, self._lease
        if reading is None or lease is None:
            self._take()
            self._is_behind = True
        elif reading.is_running or elapsed() < reading.resting_until:
            self._renew(reading, lease)
        else:
            self.resign()
            if reading.error is not None:
                raise reading.error

    def resign(self) -> None:
        """Stop reading, and give the lease back."""
        from redis import RedisError

        reading, self._reading = self._reading, None
        lease, self._lease = self._lease, None
        if reading is not None:
            reading.stop()
        if lease is not None:
            with suppress(RedisError):  # also if it is no longer ours
                lease.reacquire()
                if reading is not None:
                    self._save(reading)
                lease.release()

    def _take(self) -> None:
        lease: Lock = self._server.client.lock(
            self._lease_name, timeout=LEASE_SECONDS, blocking=False, thread_local=False
        )
        if lease.acquire():
            self._lease = lease
            found = self._server.client.get(self._position_name)
            position = None if found is None else text_of(found)
            if position is None and self._is_behind:
                position = ""  # there was a leader, and Redis lost what it had
            self._reading = _Reading(self._client, self._add, position)
            self._save(self._reading)  # the next leader is not the first one
            self._reading.start()

    def _renew(self, reading: _Reading, lease: Lock) -> None:
        from redis.exceptions import LockError

        try:
            lease.reacquire()
        except LockError:  # this process stood still, and another one leads
            self._lease = None
            self.resign()
        else:
            self._save(reading)

    def _save(self, reading: _Reading) -> None:
        """Have the next leader go on where this one is, and Redis keep all for as long."""
        redis = self._server.client
        redis.set(self._position_name, reading.position, ex=KEPT_SECONDS)
        redis.expire(self._stream_name, KEPT_SECONDS)


class _Reading:
    """Reads the app's stream in a thread, and adds its changes to that in Redis."""

    def __init__(self, client: EventSource, add: Add, position: str | None) -> None:
        self._add = add
        self._source = ChangeSource(client, self, position)
        #: Why it ended by itself: the backend rejects the key, or Redis a change.
        self.error: Exception | None = None
        #: It has ended by itself, and keeps the lease until then: nobody else tries in its place.
        self.resting_until = 0.0
        self._thread = Thread(target=self._run, daemon=True, name="vendo-events-leader")

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def position(self) -> str:
        return self._source.position

    def start(self) -> None:
        with suppress(RuntimeError):  # the system has no more threads: another process leads
            self._thread.start()

    def stop(self) -> None:
        self._source.close()
        if self._thread.ident is not None:
            self._thread.join(1.0)

    def changed(self, kind: str, slug: str) -> None:
        self._add({"kind": kind, "slug": slug})

    def missed(self) -> None:
        self._add({"kind": MISSED})

    def _run(self) -> None:
        from redis import RedisError

        try:
            self._source.run()
            self.resting_until = elapsed() + _PAUSE
        except (RedisError, VendoError) as error:
            self.error = without_frames(error)


def text_of(value: bytes) -> str:
    """Return what Redis has, as text. Anybody with access to it may have written it."""
    return value.decode(errors="replace")
