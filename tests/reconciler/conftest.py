from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(["gmail", "openai", "slack"]) as running:
        yield running


@pytest.fixture(autouse=True)
def bare_environment(vendo_isolated: None) -> None:
    """Unset the variables of the developer's machine."""
