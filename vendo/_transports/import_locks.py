"""Locks of modules that another thread was importing at the moment of a fork.

Python keeps a lock for each module while it is imported. In the child the thread that holds it does
not exist, so that an import of the same module, as in the first token of the child, waits for ever.
Python has no public way to these locks. Without its private table, a child keeps them.
"""

from __future__ import annotations

import sys
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

#: The packages that are imported during calls: ours, and those that ours import.
_PACKAGES = frozenset(
    {
        "vendo",
        "vendo_django",
        "vendo_flask",
        "vendo_starlette",
        "requests",
        "urllib3",
        "aiohttp",
        *sys.stdlib_module_names,
    }
)


def release() -> None:
    """Drop the locks of other threads, and the modules that these have not finished."""
    importlib = sys.modules.get("_frozen_importlib")
    locks: dict[str, Callable[[], Any]] = getattr(importlib, "_module_locks", {})
    for name, reference in list(locks.items()):
        owner = getattr(reference(), "owner", None)
        if owner in {None, get_ident()} or name.partition(".")[0] not in _PACKAGES:
            continue
        locks.pop(name, None)
        if getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False):
            del sys.modules[name]
