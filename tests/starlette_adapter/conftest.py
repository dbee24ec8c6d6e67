"""A clean environment, and a local Vendo server."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the machine's own variables."""
    known = {name for slug in catalog.slugs() for name in catalog.env_vars(slug)}
    for name in list(os.environ):
        if name.startswith("VENDO_") or name in known:
            monkeypatch.delenv(name)


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    connections = {"gmail": {}, "openai": {"token": "sk-openai", "lifetime": None}}
    with LocalVendo(connections=connections) as server:
        yield server


@pytest.fixture
def vendo_mode(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> LocalVendo:
    """Set up the process as in a deployment, with the local server as Vendo."""
    for name, value in server.environment("gmail", "openai").items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def proxy(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Set up the platform's proxy, and return the headers that it adds."""
    monkeypatch.setenv("VENDO_AUTH", "1")
    return {
        "X-Vendo-User-Id": "5f0c1a9e",
        "X-Vendo-User-Email": "ada@example.com",
        "X-Vendo-User-Name": "Ada Example",
        "X-Vendo-Tenant-Id": "tenant-1",
        "X-Vendo-Role": "member",
    }
