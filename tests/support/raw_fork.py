"""Fork without Python's hooks, as uWSGI does."""

from __future__ import annotations

import ctypes

_fork = ctypes.PyDLL(None).fork


def raw_fork() -> int:
    """Fork, and return 0 in the child.

    No hook repairs the interpreter in the child, so it hangs if another thread was doing anything
    at the fork. Call it while all others wait, or in a process that has none.
    """
    child: int = _fork()
    return child
