"""What a forked child must not use: locks that are held, connections of its parent.

Python calls a hook in the children that it forks itself. A server in C, such as uWSGI, forks
without it. So whatever belongs to one process calls `notice()` when it is taken.
"""

from __future__ import annotations

import os
import weakref
from _thread import RLock

from vendo._transports import import_locks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    _T = TypeVar("_T")

_resets: weakref.WeakKeyDictionary[Any, Callable[[Any], None]] = weakref.WeakKeyDictionary()
_starts: list[Callable[[], None]] = []
#: The process in which everything was reset last.
_process = os.getpid()
#: A lock for each process, so that no child finds one that its parent holds.
_resetting: dict[int, RLock] = {}


def on_fork(owner: _T, reset: Callable[[_T], None]) -> None:
    """Call `reset(owner)` once in each forked child, if the owner lives."""
    _resets[owner] = reset


def on_raw_fork(start: Callable[[], None]) -> None:
    """Call `start()` in each child that `notice` finds, after everything was reset.

    It may start threads. In a child that Python forks, the hook of `threading` must run before.
    """
    _starts.append(start)


def notice() -> None:
    """Reset the owners if this process is a child that has not done so."""
    if os.getpid() != _process and _reset_all():
        for start in _starts:
            start()


def _reset_all() -> bool:
    """Return False if another thread has done it."""
    global _process
    with _resetting.setdefault(os.getpid(), RLock()):
        if os.getpid() == _process:
            return False
        failure: Exception | None = None
        for owner, reset in list(_resets.items()):
            try:
                reset(owner)
            except Exception as error:  # noqa: BLE001  # the others must be reset too
                failure = error
        _process = os.getpid()
    if failure is not None:
        raise failure
    return True


def _in_child() -> None:
    import_locks.release()
    _reset_all()


if hasattr(os, "register_at_fork"):  # not on Windows, which has no fork
    os.register_at_fork(after_in_child=_in_child)
