"""A clean environment for every test of the core, and a backend where a test asks for one."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from vendo._tokens import cache as token_cache
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith("_BASE_URL"):
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(connections=["gmail", "openai", "slack"]) as server:
        yield server


@pytest.fixture
def vendo_mode(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> LocalVendo:
    """The environment points at the server: the module's functions are in Vendo mode."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server


class Clock:
    """Lets time pass for the tokens of the process's cache and the fetches under way."""

    def advance(self, seconds: float) -> None:
        for entry in token_cache.shared._entries.values():
            entry.refresh_at -= seconds
            entry.wait_from -= seconds
            entry.expires_at -= seconds
        for flight in token_cache.shared._flights.values():
            flight.overdue_at -= seconds

    def begin_refreshing(self) -> None:
        """Every token is due to be refreshed, and its last minute is still far."""
        for entry in token_cache.shared._entries.values():
            entry.refresh_at = 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()
