"""Time that passes: for deadlines, and for ages that outlive a call.

`time.monotonic()` stands still while a machine is suspended, and tools that fake time replace it.
`elapsed()` reads a clock that goes on. An age also counts what the wall clock says, for systems
without such a clock, and for tests that move the wall clock.
"""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def _running_clock() -> Callable[[], float]:
    # Linux and others have the first. On macOS, the second goes on through sleep.
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):
        try:
            number: int = getattr(time, name)
            time.clock_gettime(number)
        except (AttributeError, OSError):
            continue
        return lambda: time.clock_gettime(number)
    return time.monotonic


#: Seconds since an arbitrary moment, also those in which the machine is suspended.
elapsed: Callable[[], float] = _running_clock()


class Moment:
    """A moment of this process, with the readings of both clocks."""

    __slots__ = ("at", "wall_offset")

    def __init__(self) -> None:
        self.at = elapsed()
        #: What the wall clock is ahead of `elapsed()`.
        self.wall_offset = time.time() - self.at

    def __repr__(self) -> str:
        return f"<Moment {self.age():.0f} s ago>"

    def age(self) -> float:
        """Return the seconds since then: the greater number of the two clocks."""
        return max(elapsed(), time.time() - self.wall_offset) - self.at
