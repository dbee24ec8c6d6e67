"""What the platform tells, for all who are looking at a page."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Iterator

    from vendo import VendoEvent, WebhookEvent


@dataclass(frozen=True, slots=True)
class Notice:
    """One webhook."""

    type: str
    slug: str
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))


class Live:
    """One stream of events, however many pages are open: an application may have five."""

    def __init__(self) -> None:
        self._notices: deque[Notice] = deque(maxlen=10)
        self._pages: set[asyncio.Event] = set()

    async def follow(self, events: AsyncIterable[VendoEvent]) -> None:
        """Wake the pages at each event, until the stream ends."""
        async for event in events:
            if event.kind.startswith("connection."):
                self._wake()

    def keep(self, event: WebhookEvent) -> None:
        """Keep a webhook for the pages."""
        self._notices.appendleft(Notice(event.type, event.slug or ""))
        self._wake()

    def notices(self) -> list[Notice]:
        """The latest webhooks, the latest first."""
        return list(self._notices)

    @contextmanager
    def page(self) -> Iterator[asyncio.Event]:
        """For one page, what is set whenever it has something new to show."""
        news = asyncio.Event()
        news.set()
        self._pages.add(news)
        try:
            yield news
        finally:
            self._pages.remove(news)

    def _wake(self) -> None:
        for news in self._pages:
            news.set()
