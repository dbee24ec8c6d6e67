"""Fixtures of the command line's tests."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from cli.command import Shell
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# The tests also run without extras, except for those of an extra.
collect_ignore = [
    file
    for file, module in {"test_env_file.py": "dotenv", "test_demo_session.py": "requests"}.items()
    if find_spec(module) is None
]


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a shell in an empty folder, without a variable of Vendo."""
    return Shell(tmp_path)


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    """Start a local Vendo with gmail and slack connected."""
    with LocalVendo(["gmail", "slack"]) as server:
        yield server


@pytest.fixture
def deployed(shell: Shell, server: LocalVendo) -> Shell:
    """Return a shell whose environment points at the server."""
    shell.env.update(server.environment())
    return shell
