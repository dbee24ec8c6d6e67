"""Scenarios of packages that are given a session of an `AsyncVendo`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

import vendo
from sdks.scenarios import Scenarios

if TYPE_CHECKING:
    import asyncio
    from contextlib import AsyncExitStack

    from vendo.testing import LocalVendo

T = TypeVar("T")


class AsyncScenarios(Scenarios):
    """What is expected of an SDK over aiohttp."""

    @pytest.fixture(name="client")
    def _async_client(self, server: LocalVendo, runner: asyncio.Runner) -> Iterator[Any]:
        """A client for asyncio, in place of the blocking one."""
        client = server.async_client(retry=vendo.RetryPolicy(backoff=0.01))
        yield client
        runner.run(client.aclose())

    def once(
        self, client: Any, stack: AsyncExitStack, make: Callable[[Any], T], made: list[T]
    ) -> Callable[[], Awaitable[T]]:
        """Return what makes an SDK's client for a session, in the event loop, when first called."""

        async def sdk() -> T:
            if not made:
                session = await client.session(self.slug, override=True)
                await stack.enter_async_context(session)
                made.append(make(session))
            return made[0]

        return sdk
