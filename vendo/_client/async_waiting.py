"""`connections.wait()` for asyncio code."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from vendo._client.async_streams import AsyncEventStream
from vendo._client.interfaces import AsyncClient
from vendo._client.waiting import LONGEST_PAUSE, Waiting, log_end
from vendo._protocol.models import Connection


async def wait(client: AsyncClient, waiting: Waiting) -> Connection:
    """Look until the provider is connected."""
    alarm = asyncio.Event()
    listening = asyncio.create_task(_listen(client, waiting.slug, alarm))
    try:
        while True:
            connection = await client._run(waiting.look())
            if connection is not None:
                return connection
            pause = waiting.pause()
            with suppress(TimeoutError):
                await asyncio.wait_for(alarm.wait(), pause)
            alarm.clear()
    finally:
        listening.cancel()
        await asyncio.wait([listening])


async def _listen(client: AsyncClient, slug: str, alarm: asyncio.Event) -> None:
    try:
        async with AsyncEventStream(client, LONGEST_PAUSE) as events:
            async for event in events:
                if event.slug == slug:
                    alarm.set()
    except Exception as error:  # noqa: BLE001  # the looks go on, and raise what matters
        log_end(slug, error)
