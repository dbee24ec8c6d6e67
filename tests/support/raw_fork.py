"""Fork without Python's hooks, as uWSGI does."""

from __future__ import annotations

import ctypes
import sys
import threading
import time

_fork = ctypes.PyDLL(None).fork

#: Seconds after which no thread still asks for the interpreter's lock at the former interval.
_SETTLED = 0.03


def raw_fork() -> int:
    """Fork, and return 0 in the child.

    No hook repairs what belongs to the interpreter. So no thread waits for its lock in a hurry at
    the fork, since the child would let that thread go first for ever; and the lock that starting a
    thread needs is held by the thread that forks, and by no other.
    """
    interval = sys.getswitchinterval()
    sys.setswitchinterval(100.0)
    time.sleep(_SETTLED)
    with threading._active_limbo_lock:  # type: ignore[attr-defined]  # it has no public name
        child: int = _fork()
    sys.setswitchinterval(interval)
    return child
