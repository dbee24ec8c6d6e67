"""A backend with connected providers, and an environment with its addresses only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

import vendo
from sessions.foreign import Foreign
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator

CONNECTED = ["anthropic", "gmail", "mailchimp", "openai", "telegram"]


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.endswith("_BASE_URL") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    """Run a server and set its environment, with the base URLs of its fake providers."""
    with LocalVendo(connections=CONNECTED) as server:
        for name, value in server.environment(*CONNECTED).items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def client(server: LocalVendo) -> Iterator[vendo.Vendo]:
    with vendo.Vendo() as client:
        yield client


@pytest.fixture
def foreign() -> Iterator[Foreign]:
    """Run a server that belongs to no provider."""
    with Foreign() as foreign:
        yield foreign
