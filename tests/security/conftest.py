"""A clean environment, and a backend with connected providers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

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
    with LocalVendo(["gmail", "openai"]) as server:
        yield server
