"""A local server on which the providers are connected, and an environment with its address only.

The providers' own addresses are not set: a request for `https://api.openai.com` reaches the fake
provider because vendo sends it there.
"""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import pytest

import vendo
from sdks.checks import Shown
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONNECTED = (
    *("anthropic", "github", "gmail", "google", "huggingface"),
    *("notion", "openai", "slack", "stripe", "telegram"),
)
#: Variables of SDKs, and of proxies.
_ENDINGS = ("_base_url", "_base", "_endpoint", "_proxy")


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.lower().endswith(_ENDINGS):
            monkeypatch.delenv(name)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    """Run a server, and have the default client use it."""
    with LocalVendo(connections=CONNECTED) as server:
        for name, value in server.environment().items():
            if name.startswith("VENDO_"):
                monkeypatch.setenv(name, value)
        yield server


@pytest.fixture
def client(server: LocalVendo) -> Iterator[vendo.Vendo]:
    """A client of the server that does not wait long between two attempts."""
    with server.client(retry=vendo.RetryPolicy(backoff=0.01)) as client:
        yield client


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    """One event loop for all coroutines of a test: clients are bound to theirs."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture
def shown(caplog: pytest.LogCaptureFixture) -> Iterator[Shown]:
    """Collect the log from DEBUG on, and what the test adds; no secret may be in it at the end."""
    with caplog.at_level("DEBUG"):
        shown = Shown()
        yield shown
        shown.add(*(record.getMessage() for record in caplog.get_records("call")))
        shown.add(*(record.__dict__ for record in caplog.get_records("call")))
    shown.check()


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import these tests only if they are asked for: their packages may not be installed."""
    expression: str = config.option.markexpr
    is_asked_for = not expression or "sdk" in expression.replace("not sdk", "")
    return None if is_asked_for or collection_path.name == "conftest.py" else True
