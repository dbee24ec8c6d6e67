"""What the command line's tests share."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

from cli.command import Person
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# These tests also run where no extra is installed, but for those that are about an extra.
collect_ignore = [
    file
    for file, module in {"test_env_file.py": "dotenv", "test_demo_session.py": "requests"}.items()
    if find_spec(module) is None
]


@pytest.fixture
def person(tmp_path: Path) -> Person:
    """Somebody in an empty folder, with nothing of Vendo in the environment."""
    return Person(tmp_path)


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    """A Vendo with gmail and slack connected."""
    with LocalVendo(["gmail", "slack"]) as server:
        yield server


@pytest.fixture
def deployed(person: Person, server: LocalVendo) -> Person:
    """Somebody whose environment points at the server."""
    person.env.update(server.environment())
    return person
