from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from support.flows import Clock, Script
from vendo._protocol import calls, credentials


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The monotonic clock of calls: it moves when a script says so."""
    clock = Clock()
    for module in (calls, credentials):
        monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=clock.monotonic))
    return clock


@pytest.fixture
def play(clock: Clock) -> Any:
    """Makes a script of answers, on that clock."""
    return lambda *answers: Script(list(answers), clock)
