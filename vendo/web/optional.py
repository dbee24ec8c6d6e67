"""Packages of others, for annotations: `optional.requests.Session`.

Each is imported when an annotation is read, and may not be installed.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import aiohttp as aiohttp  # noqa: PLC0414  # exported
    import httpx2 as httpx2  # noqa: PLC0414  # exported
    import pydantic_settings as pydantic_settings  # noqa: PLC0414  # exported
    import requests as requests  # noqa: PLC0414  # exported
else:

    def __getattr__(name: str) -> object:
        from vendo import _types

        return getattr(_types, name)
