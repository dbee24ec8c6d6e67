"""The adapters' commands in programs that the interpreter alone could not import vendo for."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zipapp
from pathlib import Path
from typing import TYPE_CHECKING

import django
import flask
import pytest

import vendo
from interop.conftest import PROGRAMS

if TYPE_CHECKING:
    from interop.conftest import Mode

PACKAGES = ["vendo", "vendo_django", "vendo_flask"]
#: The interpreter without this environment's packages.
PYTHON = sys._base_executable  # type: ignore[attr-defined]  # typeshed leaves it out
FRAMEWORKS = ":".join({str(Path(each.__path__[0]).parent) for each in (django, flask)})


@pytest.fixture(params=["flask_command.py", "django_command.py"])
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A program with the packages beside it."""
    folder = tmp_path / "source"
    ignored = shutil.ignore_patterns("__pycache__")
    for package in PACKAGES:
        shutil.copytree(Path(vendo.__file__).parents[1] / package, folder / package, ignore=ignored)
    shutil.copy(PROGRAMS / request.param, folder / "__main__.py")
    return folder


@pytest.fixture(params=["folder", "zipapp"])
def program(request: pytest.FixtureRequest, source: Path, tmp_path: Path) -> Path:
    if request.param == "folder":
        return source
    zipapp.create_archive(source, tmp_path / "program.pyz")
    shutil.rmtree(source)
    return tmp_path / "program.pyz"


def test_commands_run_in_this_process(mode: Mode, program: Path, tmp_path: Path) -> None:
    def output(*arguments: str) -> str:
        command = [PYTHON, "-I", program, FRAMEWORKS, *arguments]
        return mode.output(*command, folder=tmp_path, PYTHONPATH="")

    report = json.loads(output("doctor", "--json"))
    assert report["mode"] == mode.name
    assert {row["slug"] for row in report["connections"]} == (
        {"gmail"} if mode.name == "vendo" else set()
    )
    assert "No problems found." in output("doctor")
    assert json.loads(output("catalog", "slack", "--json"))["slug"] == "slack"
    assert "SLACK_BOT_TOKEN" in output("catalog")
    if mode.name == "vendo":
        assert output("connections") == "gmail  connected\n"


@pytest.mark.parametrize("source", ["flask_command.py"], indirect=True)
def test_packages_of_a_folder_without_their_versions(source: Path) -> None:
    (source / "requests.py").touch()
    program = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); "
        "runpy.run_module('vendo', run_name='__main__', alter_sys=True)"
    )
    done = subprocess.run(
        [PYTHON, "-I", "-S", "-c", program, str(source), "doctor", "--json"],
        capture_output=True,
        text=True,
        env={},
    )
    packages = json.loads(done.stdout)["packages"]
    assert (packages["requests"], packages["aiohttp"]) == ("of an unknown version", None)
