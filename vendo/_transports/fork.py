"""What a forked child must not inherit: locks that nobody will release, sockets that two share."""

from __future__ import annotations

import _frozen_importlib
import os
import sys
import weakref
from _thread import get_ident

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _T = TypeVar("_T")

_resets: weakref.WeakKeyDictionary[Any, Callable[[Any], None]] = weakref.WeakKeyDictionary()

#: What is imported in the middle of calls: modules of ours, and through them of these.
_IMPORTED = frozenset({"vendo", "requests", "urllib3", "aiohttp", *sys.stdlib_module_names})


def on_fork(owner: _T, reset: Callable[[_T], None]) -> None:
    """Call `reset(owner)` in every child that `os.fork()` makes, as long as the owner lives."""
    _resets[owner] = reset


def _in_child() -> None:
    _forget_half_made_modules()
    failure: Exception | None = None
    for owner, reset in list(_resets.items()):
        try:
            reset(owner)
        except Exception as error:  # noqa: BLE001  # the others are to be reset all the same
            failure = error
    if failure is not None:
        raise failure


def _forget_half_made_modules() -> None:
    """Have the child import by itself what threads of the parent were in the middle of importing.

    Python keeps a lock for each module while it is imported. In the child the thread that holds it
    does not exist, and whoever imports the same module, as the first token does with several, would
    wait for ever. There is no public way to these locks.
    """
    locks: dict[str, Callable[[], Any]] = getattr(_frozen_importlib, "_module_locks", {})
    for name, reference in list(locks.items()):
        lock = reference()
        owner = getattr(lock, "owner", None)
        if owner in {None, get_ident()} or name.partition(".")[0] not in _IMPORTED:
            continue
        locks.pop(name, None)
        if getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False):
            del sys.modules[name]


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
