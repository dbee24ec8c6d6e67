from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None) -> None:
    """Remove the credentials and addresses of the machine."""


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(["gmail", "openai", "telegram", "slack"]) as running:
        yield running
