"""What holds for every test: a busy machine is no failure, and Ctrl-C ends programs."""

from __future__ import annotations

import signal

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "busy machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy machine")


@pytest.fixture(autouse=True, scope="session")
def _interrupts() -> None:
    """Programs notice Ctrl-C, even where the tests run in the background of a shell.

    Such a shell has it ignored, and whatever is started inherits that: a test that interrupts its
    program would wait for ever.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
