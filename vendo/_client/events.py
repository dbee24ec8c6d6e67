"""The events of the platform, for blocking code."""

from __future__ import annotations

from vendo._client.event_watch import EventWatch, watch
from vendo._client.interfaces import Client
from vendo._client.streams import EventStream
from vendo._protocol.secret import masked


class EventsAPI:
    """Read the platform's events. It is `client.events`. Vendo mode.

    In OSS mode each call raises `VendoOnlyFeature`.

    Example:
        ```python
        import vendo

        with vendo.events.subscribe() as events:
            print(next(events).type)
        ```
    """

    def __init__(self, client: Client) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"

    def subscribe(self, max_backoff_sec: float = 30.0) -> EventStream:
        """Subscribe to the events from now on. Vendo mode.

        A broken connection is opened again, and resumes after the last event. A `transport=` of the
        client is not used for a stream.

        Args:
            max_backoff_sec: the longest pause before the connection is opened again, in seconds.
                The pauses grow up to it.

        Returns:
            An iterator of `EventStreamMessage`, and a context manager that closes it.

        Raises:
            VendoOnlyFeature: there is no API key (at this call, not at the first event).
            ValidationError: `max_backoff_sec` is not a number of seconds greater than 0.

        Example:
            ```python
            import vendo

            with vendo.events.subscribe() as events:
                for event in events:
                    print(event.type, event.slug)
                    break
            ```
        """
        return EventStream(self._client, max_backoff_sec)

    def watch(self, redis_url: str | None = None) -> EventWatch:
        """Keep the token cache up to date in the background. Vendo mode.

        When a connection changes, its tokens are dropped, for all users. All watches of a process
        share one thread. An app may have five event streams: a process that gets none polls the
        connections every 30 seconds. With Redis, one stream serves all processes of the app. They
        fetch a token again within two seconds if it changed, or if a provider rejected it in one
        of them, and use the old one until then. The start waits for Redis for two seconds at most.

        Args:
            redis_url: the application's Redis, such as `redis://127.0.0.1:6379/0`. Without it, the
                variable `VENDO_REDIS_URL`, or no Redis. It needs the extra `redis`.

        Returns:
            The running watch: a context manager, with `stop()`.

        Raises:
            VendoOnlyFeature: there is no API key.
            MissingExtra: the package `redis` is not installed.
            ValidationError: the URL is malformed, or the Redis cannot be used with it.
            UpstreamConnectionError: the Redis cannot be reached. Once the watch has started, the
                process polls until it is back.

        Example:
            ```python
            import vendo

            with vendo.events.watch() as watch:
                print(watch.mode)
            ```
        """
        redis_url = masked(redis_url)
        return watch(self._client, redis_url)
