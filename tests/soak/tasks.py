"""The task workers of a run: asyncio clients on both transports, and their sessions."""

from __future__ import annotations

import asyncio
from random import Random
from typing import TYPE_CHECKING

from soak.world import SLUGS, a_body

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    import httpx2

    from soak.world import World
    from vendo import AsyncVendo, Vendo


class TaskWorker:
    """One task, whose acts and users are drawn from its own seed."""

    def __init__(
        self,
        world: World,
        root: AsyncVendo,
        blocking: Vendo,
        web: httpx2.AsyncClient,
        number: int,
    ) -> None:
        self._world = world
        self._root = root
        self._blocking = blocking
        self._web = web
        self._random = Random(f"{world.seed} task {number}")
        self._acts: tuple[tuple[int, str, Callable[[], Awaitable[None]]], ...] = (
            (40, "token", self._token),
            (10, "tokens", self._tokens),
            (10, "session", self._session),
            (5, "httpx", self._httpx_request),
            (5, "invalidate", self._invalidate),
            (6, "connections", self._connections),
            (4, "data", self._data),
            (1, "events", self._events),
            (8, "given up", self._given_up),
        )

    async def run(self) -> None:
        world, weights = self._world, [act[0] for act in self._acts]
        while not world.ended.is_set():
            await asyncio.sleep(self._random.random() * 0.6)
            _, what, act = self._random.choices(self._acts, weights)[0]
            with world.attempt(what):
                await act()

    def _client(self) -> AsyncVendo:
        self._jwt = self._random.choice(self._world.jwts)
        return self._root if self._jwt is None else self._root.for_user(self._jwt)

    def _slug(self) -> str:
        return self._random.choice(SLUGS)

    async def _token(self) -> None:
        client, slug = self._client(), self._slug()
        self._world.check_token(await client.token(slug), slug, self._jwt)

    async def _tokens(self) -> None:
        client, slugs = self._client(), self._random.sample(SLUGS, self._random.randint(1, 4))
        for slug, token in (await client.tokens(slugs)).items():
            if token is not None:
                self._world.check_token(token, slug, self._jwt)

    async def _session(self) -> None:
        client, slug = self._client(), self._slug()
        content, body = a_body(self._random)
        url = f"{self._world.server.provider_url(slug)}/soak"
        given = body if isinstance(body, bytes) or hasattr(body, "read") else content
        async with (
            await client.session(slug) as session,
            session.post(url, data=given) as response,
        ):
            received = await response.read()
        self._world.check_response(
            response.status, received, content, self._jwt, "An aiohttp session's request"
        )

    async def _httpx_request(self) -> None:
        client: AsyncVendo | Vendo = self._client()
        if self._random.random() < 0.5:  # tasks may use the `httpx_auth` of a blocking client
            client = self._blocking if self._jwt is None else self._blocking.for_user(self._jwt)
        slug = self._slug()
        content = a_body(self._random)[0]
        url = f"{self._world.server.provider_url(slug)}/soak"
        response = await self._web.post(url, content=content, auth=client.httpx_auth(slug))
        self._world.check_response(
            response.status_code, response.content, content, self._jwt, "httpx's request in a task"
        )

    async def _invalidate(self) -> None:
        client, slug = self._client(), self._slug()
        client.invalidate(slug)
        self._world.check_token(await client.token(slug), slug, self._jwt)

    async def _connections(self) -> None:
        rows = await self._client().connections.list()
        if not all(row.slug in SLUGS for row in rows if row.is_connected):
            self._world.findings.blame("A connection is listed that does not exist")

    async def _data(self) -> None:
        await self._client().data.execute("GMAIL_FETCH_EMAILS", {"max_results": 1})

    async def _events(self) -> None:
        received: list[str] = []
        stream = self._root.events.subscribe(max_backoff_sec=0.2)
        try:
            async with asyncio.timeout(self._random.random() * 2), stream as events:
                received.extend([event.id async for event in events if event.id is not None])
        except TimeoutError as end:
            if end.args:  # one of the library's own, with a message
                raise
        if len(received) != len(set(received)):
            self._world.findings.blame("A subscription delivered one event twice")

    async def _given_up(self) -> None:
        """A caller who gives up waiting; others may wait for the same token."""
        client, slug = self._client(), self._slug()
        async with asyncio.timeout(self._random.random() * 0.05):
            client.invalidate(slug)
            self._world.check_token(await client.token(slug), slug, self._jwt)
