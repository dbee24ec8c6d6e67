"""The ways in which the library sends requests. A test that is true for all runs in each."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from vendo import AsyncVendo, Vendo

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

Way: TypeAlias = Literal["blocking", "threads", "aiohttp"]

#: aiohttp belongs to an extra, and these tests run without it too.
WAYS: list[Way] = ["blocking", "threads", *(["aiohttp"] if find_spec("aiohttp") else [])]  # type: ignore[list-item]  # mypy takes them for texts


def run(way: Way, settings: dict[str, Any], use: Callable[[Any], Any]) -> Any:
    """Return `use(client)`, called with a client of that way that is closed afterwards.

    The asyncio ways await the result if it is awaitable.
    """
    if way == "blocking":
        with Vendo(**settings) as client:
            return use(client)

    async def main() -> Any:
        async with AsyncVendo(transport=way, **settings) as client:
            result = use(client)
            return await result if hasattr(result, "__await__") else result

    return asyncio.run(main())


def set_share_for_the_first_byte(way: Way, monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """Set the part of the time-out that a kept connection of that way has for the first byte."""
    module = "aiohttp_transport" if way == "aiohttp" else "blocking"
    monkeypatch.setattr(f"vendo._transports.{module}.FIRST_BYTE_SHARE", share)
