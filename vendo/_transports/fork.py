"""What a forked child must not inherit: held locks, shared sockets."""

from __future__ import annotations

import os
import weakref

from vendo._transports import import_locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _T = TypeVar("_T")

_resets: weakref.WeakKeyDictionary[Any, Callable[[Any], None]] = weakref.WeakKeyDictionary()


def on_fork(owner: _T, reset: Callable[[_T], None]) -> None:
    """Call `reset(owner)` in each child that `os.fork()` makes while the owner lives."""
    _resets[owner] = reset


def _in_child() -> None:
    import_locks.release()
    failure: Exception | None = None
    for owner, reset in list(_resets.items()):
        try:
            reset(owner)
        except Exception as error:  # noqa: BLE001  # the others must be reset too
            failure = error
    if failure is not None:
        raise failure


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
