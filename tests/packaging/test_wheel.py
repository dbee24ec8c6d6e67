"""The distribution has the packages, typed, and no tests."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from email import message_from_string
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import pytest

from support.distribution import distribution

if TYPE_CHECKING:
    from email.message import Message

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
EXTRAS = set(PROJECT["project"]["optional-dependencies"])


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return distribution(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def wheel(dist: Path) -> Path:
    [wheel] = dist.glob("*.whl")
    return wheel


@pytest.fixture(scope="session")
def names(wheel: Path) -> list[str]:
    """The files of the wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.fixture(scope="session")
def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        [name] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return message_from_string(archive.read(name).decode())


def test_wheel_has_the_listed_packages_only(names: list[str]) -> None:
    roots = {PurePosixPath(name).parts[0] for name in names}
    [information] = [root for root in roots if root.endswith(".dist-info")]
    assert roots - {information} == set(PACKAGES)
    assert "vendo" in PACKAGES


def test_each_package_has_py_typed(names: list[str]) -> None:
    for package in PACKAGES:
        assert f"{package}/__init__.py" in names
        assert f"{package}/py.typed" in names


def test_wheel_has_no_test_cache_or_hidden_file(names: list[str]) -> None:
    strangers = [
        name
        for name in names
        for part in PurePosixPath(name).parts
        if part in {"tests", "__pycache__", "conftest.py"}
        or part.startswith((".", "test_"))
        or part.endswith(".pyc")
    ]
    assert strangers == []


def test_wheel_is_for_every_platform(wheel: Path) -> None:
    assert wheel.name.endswith("-py3-none-any.whl")


def test_every_package_of_the_sources_is_in_the_wheel(dist: Path) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
        files = {PurePosixPath(name).relative_to(PurePosixPath(name).parts[0])
                 for name in archive.getnames()}  # fmt: skip
    packages = {file.parts[0] for file in files if file.match("vendo*/__init__.py")}
    assert packages >= set(PACKAGES)
    assert {package for package in packages if package.startswith("vendo")} == set(PACKAGES)
    for name in ("README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml"):
        assert PurePosixPath(name) in files
    assert not [file for file in files if file.name == ".env" or "__pycache__" in file.parts]


def test_build_is_reproducible(dist: Path, tmp_path: Path) -> None:
    digests = []
    for name, time in (("one", 1_000_000_000), ("two", 1_500_000_000)):
        with tarfile.open(next(dist.glob("*.tar.gz"))) as archive:
            archive.extractall(tmp_path / name, filter="data")
        [sources] = (tmp_path / name).iterdir()
        for file in sources.rglob("*"):
            os.utime(file, (time, time))
        subprocess.run(
            [sys.executable, "-m", "hatchling", "build", "-d", str(tmp_path / name / "dist")],
            cwd=sources,
            env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
            capture_output=True,
            check=True,
        )
        files = sorted((tmp_path / name / "dist").iterdir())
        digests.append({file.name: sha256(file.read_bytes()).hexdigest() for file in files})
    assert digests[0] == digests[1]
    assert len(digests[0]) == 2


def test_the_base_install_needs_nothing(metadata: Message) -> None:
    requirements = metadata.get_all("Requires-Dist") or []
    assert requirements
    assert [line for line in requirements if "extra ==" not in line] == []
    assert metadata["Requires-Python"] == ">=3.11"


def test_the_extras_are_those_of_the_project(metadata: Message) -> None:
    assert set(metadata.get_all("Provides-Extra") or []) == EXTRAS


def test_no_extra_has_an_upper_bound(metadata: Message) -> None:
    for line in metadata.get_all("Requires-Dist") or []:
        requirement = line.partition(";")[0]
        assert not {"<", "==", "~="} & {mark for mark in ("<", "==", "~=") if mark in requirement}


def test_licence_is_named_and_included(metadata: Message, names: list[str]) -> None:
    assert metadata["License-Expression"] == "MIT"
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_no_console_script_is_installed(wheel: Path) -> None:
    """The command `vendo` belongs to the platform."""
    with zipfile.ZipFile(wheel) as archive:
        texts = [archive.read(name).decode() for name in archive.namelist()
                 if name.endswith("entry_points.txt")]  # fmt: skip
    assert not [text for text in texts if "_scripts" in text]


def test_core_works_with_only_the_wheel(wheel: Path) -> None:
    program = (
        f"import sys; sys.path.insert(0, {str(wheel)!r})\n"
        "import vendo\n"
        "assert '.whl' in vendo.__file__\n"
        "print(vendo.token('openai'))"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", program],
        env={"OPENAI_API_KEY": "sk-1"},
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.stderr) == ("sk-1\n", "")
