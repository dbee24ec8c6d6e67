"""Live updates for all open pages."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterator

    from vendo import EventStreamMessage, WebhookEvent


@dataclass(frozen=True, slots=True)
class Notice:
    """One webhook."""

    type: str
    slug: str
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Live:
    """Share one event stream among all open pages: an application may have five streams."""

    def __init__(self) -> None:
        self._notices: deque[Notice] = deque(maxlen=10)
        self._pages: set[asyncio.Event] = set()

    async def follow(self, events: AsyncIterable[EventStreamMessage]) -> None:
        """Wake the pages on each event, until the stream ends."""
        async for event in events:
            if event.type.startswith("connection."):
                self._wake()

    def keep(self, event: WebhookEvent) -> None:
        """Keep a webhook for the pages."""
        self._notices.appendleft(Notice(event.type, event.slug or ""))
        self._wake()

    def notices(self) -> list[Notice]:
        """Return the latest webhooks, newest first."""
        return list(self._notices)

    @contextmanager
    def page(self) -> Iterator[asyncio.Event]:
        """Yield an event that is set whenever the page has something new to show."""
        changed = asyncio.Event()
        changed.set()
        self._pages.add(changed)
        try:
            yield changed
        finally:
            self._pages.remove(changed)

    def _wake(self) -> None:
        for changed in self._pages:
            changed.set()
