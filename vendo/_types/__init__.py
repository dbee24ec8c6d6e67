"""Types of the standard library and of optional packages, imported when an annotation is read.

Importing `typing` costs more than a whole first token. requests or aiohttp may not be installed:
what they define is `Any` then. Modules on the way to a first token name `vendo._types`, which the
package imports on demand. Types of this library are listed in the room that needs them.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import ssl
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
    from decimal import Decimal
    from types import ModuleType, TracebackType
    from typing import Any, Self

    import aiohttp
    import httpx2
    import pydantic_settings
    import requests
    from requests.auth import AuthBase

__all__ = [
    "Any",
    "AuthBase",
    "Awaitable",
    "Callable",
    "Decimal",
    "Iterable",
    "Mapping",
    "Self",
    "Sequence",
    "TracebackType",
    "aiohttp",
    "httpx2",
    "optional_module",
    "pydantic_settings",
    "requests",
    "ssl",
]

if not TYPE_CHECKING:
    #: A name that is in none of these is a module.
    MODULE_OF_NAME = {
        "Any": "typing",
        "AuthBase": "requests.auth",
        "Awaitable": "collections.abc",
        "Callable": "collections.abc",
        "Decimal": "decimal",
        "Iterable": "collections.abc",
        "Mapping": "collections.abc",
        "Self": "typing",
        "Sequence": "collections.abc",
        "TracebackType": "types",
    }

    def __getattr__(name: str) -> object:
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        module = MODULE_OF_NAME.get(name)
        return optional_module(name) if module is None else getattr(optional_module(module), name)


def optional_module(name: str) -> ModuleType:
    """Import a module for the sake of an annotation.

    Every attribute of one that is not installed is `Any`.
    """
    from importlib import import_module

    try:
        return import_module(name)
    except ImportError:
        missing: ModuleType = _Missing()  # type: ignore[assignment]  # as far as annotations go
        return missing


class _Missing:
    def __getattr__(self, name: str) -> object:
        from typing import Any

        return Any
