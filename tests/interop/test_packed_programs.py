"""Programs without assertions and docstrings, in one file, and with their interpreter."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vendo

if TYPE_CHECKING:
    from interop.conftest import Mode

PROGRAMS = Path(__file__).parent / "programs"
PACKAGES = ["vendo", "vendo_django", "vendo_flask", "vendo_pytest", "vendo_starlette"]
MAIN = PROGRAMS / "main.py"


def expected(mode: Mode) -> dict[str, object]:
    return {
        "found": mode.found,
        "async": mode.found["token"],
        "failed": "github",
        "connected": ["slack"],
    }


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_program_without_assertions_and_docstrings(mode: Mode, flag: str, tmp_path: Path) -> None:
    assert mode.python(flag, MAIN, folder=tmp_path) == expected(mode)


@pytest.mark.parametrize("flag", ["-O", "-OO"])
def test_command_line_without_docstrings(mode: Mode, flag: str, tmp_path: Path) -> None:
    for arguments in (["--help"], ["token", "--help"], ["doctor"], ["catalog"]):
        assert mode.output(sys.executable, flag, "-m", "vendo", *arguments, folder=tmp_path)
    printed = mode.output(sys.executable, flag, "-m", "vendo", "token", "gmail", folder=tmp_path)
    assert printed.strip() == mode.found["token"]


def test_every_module_can_be_imported_without_docstrings(tmp_path: Path) -> None:
    program = f"""
import importlib, pkgutil
from django.conf import settings
settings.configure(INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes"])
import django
django.setup()
for package in {PACKAGES}:
    for module in pkgutil.walk_packages(importlib.import_module(package).__path__, package + "."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
"""
    done = subprocess.run(
        [sys.executable, "-OO", "-c", program], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A program in one file, with the packages as the wheel has them."""
    source = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        shutil.copytree(Path(vendo.__file__).parents[1] / package, source / package, ignore=ignored)
    shutil.copy(PROGRAMS / "jobs.py", source)
    shutil.copy(MAIN, source / "__main__.py")
    zipapp.create_archive(source, tmp_path / "program.pyz", compressed=True)
    shutil.rmtree(source)
    return tmp_path / "program.pyz"


def test_zipapp_contains_the_library(mode: Mode, archive: Path, tmp_path: Path) -> None:
    report = mode.python(archive, "where", folder=tmp_path, PYTHONPATH="")
    assert report.pop("where") == str(archive / "vendo")
    assert report == expected(mode)


def test_command_line_of_a_zipapp(mode: Mode, archive: Path, tmp_path: Path) -> None:
    program = "import runpy, sys; sys.argv[0] = 'vendo'; runpy.run_module('vendo', alter_sys=True)"
    for arguments in (["token", "gmail"], ["run", "--", sys.executable, "-c", "import vendo"]):
        mode.output(
            sys.executable, "-c", program, *arguments, folder=tmp_path, PYTHONPATH=str(archive)
        )


@pytest.fixture(scope="module")
def executable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program in a folder with its interpreter, as PyInstaller makes it."""
    folder = tmp_path_factory.mktemp("pyinstaller")
    options = ["--onedir", "--log-level=WARN", f"--paths={PROGRAMS}"]
    done = subprocess.run(
        [sys.executable, "-m", "PyInstaller", *options, str(MAIN)],
        cwd=folder,
        env={**os.environ, "PYINSTALLER_CONFIG_DIR": str(folder / "cache")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "dist" / "main" / "main"


@pytest.mark.slow
def test_pyinstaller_finds_every_module(mode: Mode, executable: Path, tmp_path: Path) -> None:
    printed = mode.output(executable, folder=tmp_path, PYTHONPATH="")
    assert json.loads(printed) == expected(mode)
