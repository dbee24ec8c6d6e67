"""What happens to the connections of an app: read from its event stream, or found by polling."""

from __future__ import annotations

from contextlib import suppress
from hashlib import sha256
from queue import Empty, SimpleQueue
from random import uniform
from typing import Protocol

from vendo._client.streams import EventStream
from vendo._config import environment
from vendo._protocol.event_stream import EventReader
from vendo._protocol.log import logger, visible
from vendo._protocol.moments import elapsed
from vendo._protocol.platform import fetch_connections
from vendo._protocol.subscription import MAX_PAUSE
from vendo._transports.driver import run
from vendo.errors import AuthError, UpstreamError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._client.interfaces import EventSource
    from vendo._protocol.models import Connection

#: Seconds between two polls. Jitter keeps processes that started together apart.
POLL_SECONDS = 30.0
_JITTER = 0.25
#: Seconds.
_MAX_BACKOFF = 30.0
#: What the position of a source begins with that knows of no event, but of a list.
_LIST = "list:"
#: Seconds within which the first stream is open, or changes may have been missed.
_SOON = 2.0


class Receiver(Protocol):
    """Who hears of changes."""

    def changed(self, kind: str, slug: str) -> None:
        """A connection changed; `kind` is the name of the event."""

    def missed(self) -> None:
        """Any connection may have changed before now."""


class Poller:
    """The list of connections, compared with the one before.

    Args:
        client: whose connections.
        receiver: hears of changes.
        is_behind: whether changes before the first list may be unknown.
        known: the `digest` of the last list of another poller.
    """

    def __init__(
        self, client: EventSource, receiver: Receiver, *, is_behind: bool, known: str = ""
    ) -> None:
        self._client = client
        self._receiver = receiver
        self._transport = client._stream_transport()
        self._rows: dict[str, list[Connection]] | None = None
        self.is_behind = is_behind
        #: Of the last list: what another poller compares its first one with.
        self.digest = known

    def poll(self) -> float:
        """Tell of what changed since the last poll. Return the seconds until the next one.

        Raises:
            VendoError: the backend rejects the key.
        """
        pause = POLL_SECONDS * uniform(1 - _JITTER, 1 + _JITTER)  # noqa: S311  # spreads load
        try:
            self._compare()
        except VendoError as error:
            if not _passes(error):
                raise
            self.is_behind = True
            logger.info("The connections could not be listed (%s); trying again.", error.code)
            return max(pause, min(error.retry_after or 0.0, MAX_PAUSE))
        return pause

    def catch_up(self) -> None:
        """Poll once, where something else tells of changes from now on.

        Raises:
            VendoError: the backend rejects the key.
        """
        try:
            self._compare()
        except VendoError as error:
            if not _passes(error):
                raise
            if self.is_behind:
                self._receiver.missed()

    def _compare(self) -> None:
        rows = self._fetched()
        before, digest = self._rows, _digest_of(rows)
        if before is None and self.is_behind and self.digest != digest:
            self._receiver.missed()
        elif before is not None:
            for slug in before.keys() | rows.keys():
                if before.get(slug) != rows.get(slug):
                    is_connected = any(row.is_connected for row in rows.get(slug, []))
                    kind = "changed" if is_connected else "status_changed"
                    self._receiver.changed(f"connection.{kind}", slug)
        # Only now: the next source tells what could not be told.
        self._rows, self.digest = rows, digest

    def _fetched(self) -> dict[str, list[Connection]]:
        settings = self._client._settings
        caller = settings.caller(settings.required_key("events.watch"))
        sandbox = environment.SANDBOX.get() == "1"
        flow = fetch_connections(caller, settings.base_url(), sandbox=sandbox)
        rows: dict[str, list[Connection]] = {}
        for row in run(flow, lambda: self._transport):
            rows.setdefault(row.slug, []).append(row)
        return rows


def _passes(error: VendoError) -> bool:
    """Return whether a later attempt may succeed: the key is not rejected."""
    is_response = error.status is not None  # else the key or an address is malformed
    return isinstance(error, UpstreamError) or (is_response and not isinstance(error, AuthError))


def _digest_of(rows: dict[str, list[Connection]]) -> str:
    all_rows = (row for each in rows.values() for row in each)
    shown = sorted(repr((row.slug, row.status, row.connected_at)) for row in all_rows)
    return sha256(repr(shown).encode()).hexdigest()[:32]


class ChangeSource:
    """Tells a receiver of changes, until it is closed.

    It reads a stream. While all streams of the app are open in other processes, or while the
    backend has none, it polls.

    Args:
        client: whose connections.
        receiver: hears of changes.
        position: the `position` of the source before this one; None if there was none.
    """

    def __init__(
        self, client: EventSource, receiver: Receiver, position: str | None = None
    ) -> None:
        self._client = client
        self._receiver = receiver
        known = (position or "").partition(_LIST)
        #: Of the last event that the receiver was told of; empty before the first one.
        self._last_event_id = known[0]
        self._reader = EventReader(known[0])
        self._poller = Poller(client, receiver, is_behind=position is not None, known=known[2])
        self.mode = "stream"
        self._stream: EventStream | None = None
        self._is_closed = False
        #: Ends a pause. A signal handler may put into it any time.
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._begun_at = elapsed()

    @property
    def position(self) -> str:
        """What the receiver was told of: up to an event, or else up to a list of connections."""
        return self._last_event_id or _LIST + self._poller.digest

    def run(self) -> None:
        """Tell of changes until `close`, or until the backend ends the stream with a 204.

        Raises:
            VendoError: the backend rejects the key.
        """
        while not self._is_closed:
            try:
                self._read_stream()
            except VendoError as error:
                if not _passes(error):
                    raise
                logger.info("There is no event stream (%s); polling.", error.code)
            else:
                if not self._is_closed:
                    visible.warning("Vendo has ended the event stream: events are not watched.")
                return
            self.mode = "polling"
            pause = self._poller.poll()
            with suppress(Empty):
                self._wake.get(timeout=pause)

    def close(self) -> None:
        """End `run`, which may be in another thread."""
        self._is_closed = True
        self._wake.put(None)
        stream = self._stream
        if stream is not None:
            stream.close()

    def _read_stream(self) -> None:
        stream = EventStream(self._client, _MAX_BACKOFF, reader=self._reader, opened=self._opened)
        self._stream = stream
        if self._is_closed:
            stream.close()
        for event in stream:
            if event.slug is not None and event.type.startswith("connection."):
                self._receiver.changed(event.type, event.slug)
            self._last_event_id = event.id or self._last_event_id

    def _opened(self) -> None:
        """Catch up, unless the backend repeats the events that were missed."""
        self.mode = "stream"
        if not self._reader.last_event_id:
            if elapsed() - self._begun_at > _SOON:
                self._poller.is_behind = True
            self._poller.catch_up()
        self._poller.is_behind = True
