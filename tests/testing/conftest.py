from __future__ import annotations

from collections.abc import Iterator

import pytest

from vendo.testing import LocalVendo


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None) -> None:
    """Remove the credentials and addresses of the machine."""


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(["gmail", "openai", "telegram", "slack"]) as running:
        yield running
