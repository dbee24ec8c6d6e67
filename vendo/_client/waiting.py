"""`connections.wait()`: look again after each event of the provider, and every few seconds."""

from __future__ import annotations

from contextlib import closing, suppress
from queue import Empty, SimpleQueue
from threading import Thread

from vendo._catalog import catalog
from vendo._client.interfaces import Client
from vendo._client.streams import EventStream
from vendo._config.settings import checked_timeout
from vendo._config.slugs import checked_slug
from vendo._protocol.log import logger
from vendo._protocol.models import Connection
from vendo._protocol.moments import elapsed
from vendo._protocol.platform import fetch_connections
from vendo.errors import ConnectTimeout, RateLimited, UpstreamError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo._config.settings import Settings
    from vendo._protocol.steps import Flow

#: Seconds between the first two looks, and at most. The events may be refused, or come late.
_FIRST_PAUSE = 1.0
LONGEST_PAUSE = 5.0


class Waiting:
    """One call of `wait`: its provider, its deadline, and its last failure."""

    def __init__(self, settings: Settings, slug: str, timeout: float) -> None:
        self.slug = checked_slug(slug)
        self._timeout = checked_timeout(timeout, usual=300)
        settings.required_key("connections.wait")
        self._settings = settings
        self._deadline = elapsed() + timeout
        self._pause = _FIRST_PAUSE
        self._failure: VendoError | None = None

    def look(self) -> Flow[Connection | None]:
        """Fetch the connection; None if it is not connected yet, or the backend is away."""
        settings = self._settings
        caller = settings.caller(settings.required_key("connections.wait"))
        remaining = self._remaining()
        caller = caller.within(max(remaining, 0.001))
        try:
            # Not `connections.list()`, which falls back to what was connected at the start.
            rows = yield from fetch_connections(caller, settings.base_url(), sandbox=False)
        except (UpstreamError, RateLimited) as error:
            if remaining > 0:  # the look at the deadline has no time for a response
                self._failure = error
            return None
        self._failure = None
        self._check_slug(rows)
        return next((row for row in rows if row.slug == self.slug and row.is_connected), None)

    def _check_slug(self, rows: list[Connection]) -> None:
        question = None if catalog.provider(self.slug) else catalog.did_you_mean(self.slug)
        if question and all(row.slug != self.slug for row in rows):
            raise VendoError(
                "provider_unknown",
                f"The deployment does not support the provider {self.slug!r}.",
                slug=self.slug,
                suggested_fix=question,
            )

    def pause(self) -> float:
        """Return the seconds until the next look, if no event comes before.

        Raises:
            ConnectTimeout: the time is over.
        """
        remaining = self._remaining()
        if remaining <= 0:
            raise self._timed_out()
        pause, self._pause = self._pause, min(2 * self._pause, LONGEST_PAUSE)
        return min(pause, remaining)

    def _remaining(self) -> float:
        return self._deadline - elapsed()

    def _timed_out(self) -> ConnectTimeout:
        failure = f" The last look failed: {self._failure.message}" if self._failure else ""
        return ConnectTimeout(
            "binding_missing",
            f"The provider {self.slug!r} was not connected within {self._timeout:g} s.{failure}",
            slug=self.slug,
            suggested_fix=f"Open vendo.connect_url({self.slug!r}) in a browser, connect it, and "
            "wait again.",
        )


def wait(client: Client, waiting: Waiting) -> Connection:
    """Look until the provider is connected."""
    with closing(_Alarm(client, waiting.slug)) as alarm:
        alarm.start()
        while True:
            connection = client._run(waiting.look())
            if connection is not None:
                return connection
            alarm.wait(waiting.pause())


def log_end(slug: str, error: Exception) -> None:
    """Log why the events of a wait have ended."""
    reason = error.message if isinstance(error, VendoError) else type(error).__name__
    logger.info("No events while waiting for %s: %s", slug, reason)


class _Alarm:
    """Ends a pause when an event of the provider arrives. It reads the events in a thread."""

    def __init__(self, client: Client, slug: str) -> None:
        self._slug = slug
        self._rings: SimpleQueue[None] = SimpleQueue()
        self._stream = EventStream(client, LONGEST_PAUSE)
        self._thread = Thread(target=self._listen, daemon=True, name="vendo-wait")

    def start(self) -> None:
        """Start the thread. Call `close` afterwards, also if a signal interrupts this."""
        with suppress(RuntimeError):  # the system has no more threads
            self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for an event, at most so long."""
        with suppress(Empty):
            self._rings.get(timeout=seconds)

    def _listen(self) -> None:
        try:
            for event in self._stream:
                if event.slug == self._slug:
                    self._rings.put(None)
        except Exception as error:  # noqa: BLE001  # the looks go on, and raise what matters
            log_end(self._slug, error)

    def close(self) -> None:
        """Close the stream, and end the thread."""
        self._stream.close()
        with suppress(RuntimeError):  # it was never started
            self._thread.join(1.0)  # longer only while it connects
