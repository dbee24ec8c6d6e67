"""Callers in tasks, with asyncio clients."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from hostile.draws import Draws
from hostile.stamps import SLUGS
from vendo import AsyncVendo

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from hostile.checks import Checks


class TaskCaller(Draws[AsyncVendo]):
    """One task, which makes one call after the other."""

    async def call(self) -> None:
        """Make one call."""
        calls: list[tuple[int, str, Callable[[], Awaitable[None]]]] = [
            (45, "token", self._token),
            (5, "token, given up", self._given_up),
            (12, "tokens", self._tokens),
            (12, "connections.list", self._rows),
            (8, "connections.get", self._row),
            (16, "usage", self._usage),
        ]
        async with self._gate.passed_by_task():
            what, call = self._draw(calls)
            with self._checks.attempt(what):
                await call()

    async def _token(self) -> None:
        slug = self._slug()
        if self._random.random() < 0.8:
            self._client.invalidate(slug)
        self._checks.token(await self._client.token(slug), slug, self._user, self._key)

    async def _given_up(self) -> None:
        try:
            async with asyncio.timeout(self._random.random() * 0.02):
                await self._token()
        except TimeoutError:
            pass

    async def _tokens(self) -> None:
        slugs = self._random.sample(SLUGS, self._random.randint(1, 4))
        self._client.invalidate(slugs[0])
        for slug, token in (await self._client.tokens(slugs)).items():
            self._checks.token(token, slug, self._user, self._key)

    async def _rows(self) -> None:
        for row in await self._client.connections.list():
            self._checks.row(row, self._user, self._key)

    async def _row(self) -> None:
        self._checks.row(await self._client.connections.get(SLUGS[0]), self._user, self._key)

    async def _usage(self) -> None:
        self._checks.usage(await self._client.billing.usage(), SLUGS[0], self._user, self._key)


class TaskSubscriber:
    """One task that reads event streams, and is cancelled."""

    def __init__(self, seed: str, checks: Checks, roots: Mapping[str, AsyncVendo]) -> None:
        self._random = Random(seed)
        self._checks = checks
        self._roots = roots

    async def call(self) -> None:
        """Read a stream for a moment."""
        key, root = self._random.choice(list(self._roots.items()))
        seconds = self._random.random() * 2
        with self._checks.attempt("events", seconds):
            try:
                async with (
                    asyncio.timeout(seconds) as limit,
                    root.events.subscribe(0.05) as events,
                ):
                    async for event in events:
                        self._checks.event(event, "nobody", key)
                self._checks.findings.blame("A stream of events ended by itself")
            except TimeoutError:
                if not limit.expired():
                    raise
