"""The events of the platform, for asyncio code."""

from __future__ import annotations

from vendo._client.async_streams import AsyncEventStream
from vendo._client.event_watch import EventWatch, watch
from vendo._client.interfaces import AsyncClient
from vendo._protocol.secret import masked


class AsyncEventsAPI:
    """The platform's events. In OSS mode each call raises `VendoOnlyFeature`."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"

    def subscribe(self, max_backoff_sec: float = 30.0) -> AsyncEventStream:
        """Return the events from now on: an async iterator and context manager.

        See `EventsAPI.subscribe`. Leaving or cancelling closes the connection immediately.
        """
        return AsyncEventStream(self._client, max_backoff_sec)

    def watch(self, redis_url: str | None = None) -> EventWatch:
        """Keep the token cache up to date in the background, in a thread; see `EventsAPI.watch`.

        With Redis it waits for its response, for two seconds at most. It blocks the event loop, so
        call it when the application starts, or in a thread.
        """
        redis_url = masked(redis_url)
        return watch(self._client, redis_url)
