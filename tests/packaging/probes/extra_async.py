"""Extra `async`: a session of aiohttp."""

from __future__ import annotations

import asyncio

import aiohttp

from vendo import aio


async def main() -> None:
    assert await aio.token("openai") == "sk-probe"
    async with await aio.session("openai") as session:
        assert isinstance(session, aiohttp.ClientSession)
    await aio.aclose()


asyncio.run(main())
