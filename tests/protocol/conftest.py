from __future__ import annotations

from typing import Any

import pytest

from support.flows import Clock, Script
from vendo._protocol import calls, moments


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of calls: only scripts move it."""
    clock = Clock()
    for module in (calls, moments):
        monkeypatch.setattr(module, "elapsed", clock)
    return clock


@pytest.fixture
def play(clock: Clock) -> Any:
    """Return a function that makes a script of results on that clock."""
    return lambda *results: Script(list(results), clock)
