from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None) -> None:
    """No credential and no address of the machine's."""
