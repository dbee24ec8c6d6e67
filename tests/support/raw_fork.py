"""Fork without Python's hooks, as uWSGI does."""

from __future__ import annotations

import ctypes
import threading
import time
from pathlib import Path

_fork = ctypes.PyDLL(None).fork


def raw_fork() -> int:
    """Fork, and return 0 in the child.

    No hook repairs the interpreter in the child, so it hangs if another thread was doing anything
    at the fork. Call it while all others wait, or in a process that has none.
    """
    child: int = _fork()
    return child


def wait_until_alone(seconds: float = 30.0) -> None:
    """Wait until this process has no other thread.

    Raises:
        TimeoutError: it still has one after so many seconds.
    """
    deadline = time.monotonic() + seconds
    while _number_of_threads() > 1:
        if time.monotonic() > deadline:
            raise TimeoutError(f"still running: {threading.enumerate()}")
        time.sleep(0.005)


def _number_of_threads() -> int:
    try:
        # A thread that has ended for Python may still be on its way out.
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:  # not on Linux
        return threading.active_count()
