"""The manual's page about versions lists what the package declares and what CI runs."""

from __future__ import annotations

import re
import tomllib

import yaml

from manual.blocks import ROOT

PAGE = (ROOT / "docs" / "versions.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
CI = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

#: Each Python, and what runs on it.
PYTHONS = dict(re.findall(r"^\| (3\.\d+) \| [A-Z][a-z]+ \d{4} \| (.+) \|$", PAGE, re.MULTILINE))


def test_the_pythons_are_those_that_the_package_declares() -> None:
    prefix = "Programming Language :: Python :: 3."
    declared = [
        line.removeprefix(prefix) for line in PROJECT["classifiers"] if line.startswith(prefix)
    ]
    assert list(PYTHONS) == [f"3.{minor}" for minor in declared]
    assert PROJECT["requires-python"] == f">={next(iter(PYTHONS))}"


def test_the_pythons_with_tests_are_those_of_ci() -> None:
    tested = [version for version, what in PYTHONS.items() if "tests" in what]
    [loop] = re.findall(r"^for minor in (3\.[\d. ]+); do$", CI, re.MULTILINE)
    assert tested == loop.split()
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    assert tested == workflow["jobs"]["run"]["strategy"]["matrix"]["python"]


def test_what_runs_on_the_middle_python_is_what_ci_runs() -> None:
    [folders] = re.findall(r"run_tests middle (.*?)\n *fi", CI.replace("\\\n", " "), re.DOTALL)
    assert {"tests/core", "tests/aio", "tests/sessions"} <= set(folders.split())
    [row] = [what for what in PYTHONS.values() if "core, of asyncio" in what]
    assert row == "the tests of the core, of asyncio and of sessions"


def test_python_in_pyodide_is_that_of_ci() -> None:
    [version] = [version for version, what in PYTHONS.items() if "Pyodide" in what]
    assert f'step "Python {version} in Pyodide"' in CI


def test_the_packages_and_their_oldest_releases_are_those_of_the_extras() -> None:
    rows = re.findall(r"^\| ([\w-]+) \| `(\w+)` \| ([\d.]+) \|$", PAGE, re.MULTILINE)
    extras = PROJECT["optional-dependencies"]
    [users] = extras["all"]
    names = users.removeprefix("vendo-sdk[").removesuffix("]").split(",")
    declared = [(*extras[name][0].split(">="), name) for name in names]
    assert sorted((package, bound, extra) for package, extra, bound in rows) == sorted(declared)
