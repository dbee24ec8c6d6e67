from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None) -> None:
    """Remove the machine's credentials and addresses."""
