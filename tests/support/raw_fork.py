"""Fork without Python's hooks, as uWSGI does."""

from __future__ import annotations

import ctypes
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

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
    _wait_for_number(lambda: 1, seconds)


def wait_for_ended_threads(seconds: float = 30.0) -> None:
    """Wait until the threads that have ended for Python are gone.

    On its way out a thread holds a lock of OpenSSL. If the process forks meanwhile, the child waits
    for that lock for ever when it ends.

    Raises:
        TimeoutError: one is still there after so many seconds.
    """
    _wait_for_number(threading.active_count, seconds)


def _wait_for_number(number: Callable[[], int], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while _number_of_threads() > number():
        if time.monotonic() > deadline:
            raise TimeoutError(f"still running: {threading.enumerate()}")
        time.sleep(0.005)


def _number_of_threads() -> int:
    try:
        # A thread that has ended for Python may still be on its way out.
        return len(list(Path("/proc/self/task").iterdir()))
    except OSError:  # not on Linux
        return threading.active_count()
