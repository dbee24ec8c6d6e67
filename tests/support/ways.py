"""The ways in which the library sends requests: a test that holds for all of them runs in each."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from vendo import AsyncVendo, Vendo

if TYPE_CHECKING:
    from collections.abc import Callable

Way: TypeAlias = Literal["blocking", "threads", "aiohttp"]

#: aiohttp belongs to an extra, and these tests run without it too.
WAYS: list[Way] = ["blocking", "threads", *(["aiohttp"] if find_spec("aiohttp") else [])]  # type: ignore[list-item]  # mypy takes them for texts


def ask(way: Way, settings: dict[str, Any], use: Callable[[Any], Any]) -> Any:
    """What `use(client)` gives, with a client of that way which is closed afterwards.

    For the asyncio ways it is awaited where it can be.
    """
    if way == "blocking":
        with Vendo(**settings) as client:
            return use(client)

    async def main() -> Any:
        async with AsyncVendo(transport=way, **settings) as client:
            result = use(client)
            return await result if hasattr(result, "__await__") else result

    return asyncio.run(main())
