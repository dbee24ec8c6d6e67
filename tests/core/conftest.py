"""A clean environment for every test of the core, and a backend for those that use it."""

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
    """Set the server's environment, so that the module's functions are in Vendo mode."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server


class Clock:
    """Move the time of the process's token cache and its running fetches."""

    def advance(self, seconds: float) -> None:
        for entry in token_cache.shared._entries.values():
            entry.refresh_at -= seconds
            entry.check_at -= seconds
            entry.wait_from -= seconds
            entry.expires_at -= seconds
            entry.trusted_until -= seconds
        for flight in token_cache.shared._flights.values():
            flight.overdue_at -= seconds

    def begin_refreshing(self) -> None:
        """Make every token due for a refresh, before its last minute."""
        for entry in token_cache.shared._entries.values():
            entry.refresh_at = entry.check_at = 0.0


@pytest.fixture
def clock() -> Clock:
    return Clock()
