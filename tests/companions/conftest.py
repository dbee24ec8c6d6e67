"""A local Vendo, and the environment of a site that uses it.

Connected are `gmail` and the database of the Django site. `slack` is not, and `openai` is down.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from companions.django_sites import make_database
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the module's site."""
    return tmp_path_factory.mktemp("site")


@pytest.fixture(scope="session")
def _empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("database") / "empty.sqlite3"
    make_database(file)
    return file


@pytest.fixture(scope="module")
def database(_empty_database: Path, folder: Path) -> None:
    """Give the module's Django site a database."""
    shutil.copy(_empty_database, folder / "site.sqlite3")


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LocalVendo]:
    database = {"token": f"sqlite:///{folder}/site.sqlite3", "lifetime": None}
    with LocalVendo({"gmail": {}, "openai": {}, "app-database": database}) as server:
        server.fail("credentials", 503, slug="openai", times=None)
        yield server


@pytest.fixture(scope="module")
def environment(server: LocalVendo, folder: Path) -> dict[str, str]:
    """The variables of a site behind the platform's proxy."""
    own = {name: "" for name in os.environ if name.startswith("VENDO_")}
    return {
        **own,
        **server.environment("gmail"),
        "VENDO_AUTH": "1",
        "SITE_HANDLED": str(folder / "handled"),
        "DJANGO_SETTINGS_MODULE": "companions.django_settings",
    }


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Import these tests only if they are asked for: their packages may not be installed."""
    expression: str = config.option.markexpr
    is_asked_for = not expression or "companions" in expression.replace("not companions", "")
    return None if is_asked_for or collection_path.name == "conftest.py" else True
