"""Both type checkers know every public name, and agree on its type.

`pytest` does not collect this folder by default: the checkers belong to the extra `lint`, and
`.ci/run` runs these tests in that environment.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

HERE = Path(__file__).parent
PROJECT = tomllib.loads((HERE.parents[1] / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
PROGRAMS = sorted(path for path in HERE.glob("*.py") if not path.name.startswith("test_"))
#: The oldest supported Python and the newest.
PYTHONS = ["3.11", "3.14"]

#: Every rule but one: Flask's own method for the object behind a proxy has an underscore.
_RULES = {
    "typeCheckingMode": "strict",
    "reportPrivateUsage": False,
    "reportUnnecessaryTypeIgnoreComment": "error",
}


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Run a tool of this environment; it checks the packages installed here."""
    scripts = str(Path(sys.executable).parent)
    return subprocess.run(
        [str(Path(scripts, command[0])), *command[1:]],
        cwd=folder,
        env={**os.environ, "PATH": scripts + os.pathsep + os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=600,
    )


@pytest.mark.parametrize("package", PACKAGES)
def test_every_public_name_has_a_type(package: str, tmp_path: Path) -> None:
    """Type checkers infer differently where a type is missing."""
    done = run(
        tmp_path, "basedpyright", "--verifytypes", package, "--ignoreexternal", "--outputjson"
    )
    found = json.loads(done.stdout)["typeCompleteness"]
    assert found["pyTypedPath"], done.stdout + done.stderr
    lacking = [
        f"{symbol['name']}: {issue['message']}"
        for symbol in found["symbols"]
        for issue in symbol["diagnostics"]
        if issue["severity"] == "error"
    ]
    assert lacking == []
    assert found["completenessScore"] == 1
    assert found["exportedSymbolCounts"]["withKnownType"] >= 20


@pytest.mark.parametrize("version", PYTHONS)
def test_pyright_agrees_with_mypy(version: str, tmp_path: Path) -> None:
    """An expected error has an ignore, and an unneeded ignore is an error too."""
    places = {"include": [str(HERE)], "extraPaths": [str(HERE.parent)]}
    (tmp_path / "pyrightconfig.json").write_text(
        json.dumps({**_RULES, **places, "pythonVersion": version})
    )
    done = run(tmp_path, "basedpyright", "-p", str(tmp_path), "--outputjson")
    found = json.loads(done.stdout)
    assert [
        f"{Path(issue['file']).name}:{issue['range']['start']['line'] + 1}: {issue['message']}"
        for issue in found["generalDiagnostics"]
    ] == []
    assert found["summary"]["filesAnalyzed"] > len(PROGRAMS) >= 5


@pytest.mark.parametrize("version", PYTHONS)
def test_mypy_agrees_for_each_python(version: str, tmp_path: Path) -> None:
    done = run(
        tmp_path,
        "mypy",
        "--strict",
        "--warn-unreachable",
        f"--python-version={version}",
        f"--cache-dir={tmp_path}",
        *map(str, PROGRAMS),
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_unexpected_error_is_found(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import vendo\n\nn: int = vendo.token('openai')\nvendo.tokne('openai')\n")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(_RULES))
    pyright = json.loads(run(tmp_path, "basedpyright", "--outputjson").stdout)
    lines = {issue["range"]["start"]["line"] for issue in pyright["generalDiagnostics"]}
    assert lines == {2, 3}
    mypy = run(tmp_path, "mypy", "--strict", f"--cache-dir={tmp_path}", str(program))
    assert "Found 2 errors" in mypy.stdout


def test_catalog_slugs_are_completed_and_others_are_accepted(tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("import vendo\n\nreveal_type(vendo.Vendo.token)\nvendo.token('my-own')\n")
    (tmp_path / "pyrightconfig.json").write_text(json.dumps({"typeCheckingMode": "standard"}))
    found = json.loads(run(tmp_path, "basedpyright", "--outputjson").stdout)
    [issue] = found["generalDiagnostics"]
    assert "'openai'" in issue["message"]
    assert "'googledrive'" in issue["message"]
    assert "str" in issue["message"]
