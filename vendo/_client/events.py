"""The events of the platform, for blocking code."""

from __future__ import annotations

from vendo._client.event_watch import EventWatch, watch
from vendo._client.interfaces import Client
from vendo._client.streams import EventStream
from vendo._protocol.secret import masked


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

    def watch(self, redis_url: str | None = None) -> EventWatch:
        """Keep the token cache up to date in the background.

        When a connection changes, its tokens are dropped, for all users. All watches of a process
        share one thread. An app may have five event streams: a process that gets none polls the
        connections every 30 seconds. With Redis, one stream serves all processes of the app. They
        fetch a token again within two seconds if it changed, or if a provider rejected it in one
        of them, and use the old one until then. The start waits for Redis for two seconds at most.

        Returns a context manager; `stop()` ends the watch.

        Args:
            redis_url: the application's Redis, such as `redis://127.0.0.1:6379/0`. Without it, the
                variable `VENDO_REDIS_URL`, or no Redis. It needs the extra `redis`.

        Raises:
            VendoOnlyFeature: there is no API key.
            MissingExtra: the package `redis` is not installed.
            ValidationError: the URL is malformed, or the Redis cannot be used with it.
            UpstreamConnectionError: the Redis cannot be reached. Once the watch has started, the
                process polls until it is back.

        Example:
            with vendo.events.watch(redis_url="redis://127.0.0.1:6379/0") as watch:
                assert watch.mode == "redis"
        """
        redis_url = masked(redis_url)
        return watch(self._client, redis_url)
