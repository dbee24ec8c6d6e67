from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from support.flows import Clock, Script
from vendo._protocol import calls, credentials


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The monotonic clock of calls: only scripts move it."""
    clock = Clock()
    for module in (calls, credentials):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture
def play(clock: Clock) -> Any:
    """Return a function that makes a script of results on that clock."""
    return lambda *results: Script(list(results), clock)
