"""The events of the platform, for asyncio code."""

from __future__ import annotations

from vendo._client.async_streams import AsyncEventStream
from vendo._client.event_watch import EventWatch, watch
from vendo._client.interfaces import AsyncClient
from vendo._protocol.secret import masked


class AsyncEventsAPI:
    """Read the platform's events, as `EventsAPI` does. It is `client.events`. Vendo mode.

    In OSS mode each call raises `VendoOnlyFeature`.

    Example:
        ```python
        import asyncio

        import vendo


        async def main():
            async with vendo.aio.events.subscribe() as events:
                async for event in events:
                    print(event.type, event.slug)
                    break


        asyncio.run(main())
        ```
    """

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    def __repr__(self) -> str:
        return f"<{type(self).__name__} of {self._client!r}>"

    def subscribe(self, max_backoff_sec: float = 30.0) -> AsyncEventStream:
        """Subscribe to the events from now on, as `EventsAPI.subscribe` does. Vendo mode.

        Leaving or cancelling closes the connection immediately.

        Args:
            max_backoff_sec: the longest pause before the connection is opened again, in seconds.

        Returns:
            An async iterator of `EventStreamMessage`, and an async context manager that closes it.

        Raises:
            VendoOnlyFeature: there is no API key (at this call, not at the first event).
            ValidationError: `max_backoff_sec` is not a number of seconds greater than 0.

        Example:
            ```python
            import asyncio

            import vendo


            async def main():
                async with vendo.aio.events.subscribe() as events:
                    async for event in events:
                        print(event.type, event.slug)
                        break


            asyncio.run(main())
            ```
        """
        return AsyncEventStream(self._client, max_backoff_sec)

    def watch(self, redis_url: str | None = None) -> EventWatch:
        """Keep the token cache up to date in the background, as `EventsAPI.watch` does. Vendo mode.

        With Redis it waits for its response, for two seconds at most. It blocks the event loop, so
        call it when the application starts, or in a thread.

        Args:
            redis_url: the application's Redis, such as `redis://127.0.0.1:6379/0`. Without it, the
                variable `VENDO_REDIS_URL`, or no Redis. It needs the extra `redis`.

        Returns:
            The running watch: a context manager, with `stop()`.

        Raises:
            VendoOnlyFeature: there is no API key.
            MissingExtra: the package `redis` is not installed.
            ValidationError: the URL is malformed, or the Redis cannot be used with it.
            UpstreamConnectionError: the Redis cannot be reached.

        Example:
            ```python
            import asyncio

            import vendo


            async def main():
                with vendo.aio.events.watch():
                    print(len(await vendo.aio.token("openai")))


            asyncio.run(main())
            ```
        """
        redis_url = masked(redis_url)
        return watch(self._client, redis_url)
