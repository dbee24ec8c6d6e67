"""Which code calls: for a text that templates must not print, and for where a warning points to.

Python offers no public way to this but `inspect.currentframe`, which returns None on an interpreter
without frames. There no caller is known, and a warning points to our own line.
"""

from __future__ import annotations

from collections.abc import Collection
from inspect import currentframe


def calling_module(depth: int) -> str:
    """Return the module of a caller.

    Args:
        depth: 1 for the function that calls this one, 2 for the caller of that, and so on.

    Returns:
        The name of the module; empty where there is no such caller, or Python has no frames.

    Example:
        ```python
        from vendo.web import calling_module

        def print_caller():
            print(calling_module(2))

        print_caller()  # __main__
        ```
    """
    frame = currentframe()
    for _ in range(depth):
        frame = frame and frame.f_back
    return str(frame.f_globals.get("__name__", "")) if frame else ""


def stack_level_outside(packages: Collection[str]) -> int:
    """Return the `stacklevel` of `warnings.warn` for the first caller outside of some packages."""
    frame = currentframe()
    level = 0
    while frame is not None:
        if level and frame.f_globals.get("__name__", "").partition(".")[0] not in packages:
            return level
        frame, level = frame.f_back, level + 1
    return 1
