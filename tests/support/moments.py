"""Moments on a clock that a test moves."""

from __future__ import annotations

import time

from vendo._protocol.moments import Moment


def moment(at: float) -> Moment:
    """Return a moment of that clock. The wall clock was set back since, and adds nothing."""
    made = Moment()
    made.at = at
    made.wall_offset = time.time() - at + 1e6
    return made
