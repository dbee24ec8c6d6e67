"""The events of the platform, for blocking code."""

from __future__ import annotations

from vendo._client.event_watch import EventWatch, watch
from vendo._client.interfaces import Client
from vendo._client.streams import EventStream


class EventsAPI:
    """The platform's events. Vendo mode: in OSS mode each call raises `VendoOnlyFeature`."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"

    def subscribe(self, max_backoff_sec: float = 30.0) -> EventStream:
        """Return the events from now on: an iterator, and a context manager that closes it.

        A broken connection is opened again, after pauses that grow up to `max_backoff_sec` seconds,
        and resumes after the last event. A `transport=` of the client is not used for a stream.

        Raises:
            VendoOnlyFeature: there is no API key (at this call, not at the first event).
            ValidationError: `max_backoff_sec` is not a number of seconds greater than 0.
        """
        return EventStream(self._client, max_backoff_sec)

    def watch(self) -> EventWatch:
        """Keep the token cache up to date in the background.

        When a connection changes, its tokens are dropped, for all users. All watches of a process
        share one stream. Returns a context manager; `stop()` ends the watch.

        Raises:
            VendoOnlyFeature: there is no API key.
        """
        return watch(self._client)
