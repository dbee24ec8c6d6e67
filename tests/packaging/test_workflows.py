"""The release workflow: what it may do, with which tools, and that it publishes what was tested."""

from __future__ import annotations

import importlib
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in WORKFLOWS}
_yaml: Any = importlib.import_module("yaml")  # it has no types
JOBS: dict[str, dict[str, dict[str, Any]]] = {
    name: _yaml.safe_load(text)["jobs"] for name, text in TEXTS.items()
}
BUILD = JOBS["release"]["build"]
#: The jobs that take the files of the release, and where each has the digests from.
TAKERS = {
    "test": (JOBS["ci"]["run"], "${{ inputs.digests }}"),
    "publish": (JOBS["release"]["publish"], "${{ needs.build.outputs.digests }}"),
    "announce": (JOBS["release"]["announce"], "${{ needs.build.outputs.digests }}"),
}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PINS = Path(__file__).with_name("release-requirements.txt")
REQUIREMENTS = PINS.read_text(encoding="utf-8")


# What the jobs may do


def test_every_action_is_pinned_to_a_commit_with_its_release() -> None:
    used = [
        line
        for text in TEXTS.values()
        for line in text.splitlines()
        if "uses:" in line and "./" not in line
    ]
    assert len(used) >= 8
    for line in used:
        assert re.search(r"uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


def test_same_action_has_the_same_commit_everywhere() -> None:
    used = set(re.findall(r"uses: ([\w-]+/[\w-]+)(@.*)", "".join(TEXTS.values())))
    assert len(used) == len({name for name, _ in used})


def test_workflow_has_only_the_permissions_that_its_jobs_need() -> None:
    assert set(TEXTS) == {"ci", "release"}
    assert "\npermissions:\n  contents: read\n" in TEXTS["ci"]
    assert "write" not in TEXTS["ci"]
    assert "\npermissions: {}\n" in TEXTS["release"]
    assert {name: job["permissions"] for name, job in JOBS["release"].items()} == {
        "build": {"contents": "read"},
        "test": {"contents": "read"},
        "publish": {"id-token": "write"},
        "announce": {"contents": "write"},
    }
    assert "secrets." not in "".join(TEXTS.values()), "publishing needs no password"


def test_no_checkout_leaves_its_token_behind() -> None:
    steps = [step for jobs in JOBS.values() for job in jobs.values() for step in _steps(job)]
    checkouts = [step for step in steps if "checkout" in step.get("uses", "")]
    assert len(checkouts) == 2
    assert all(step["with"] == {"persist-credentials": False} for step in checkouts)


def test_no_script_contains_a_value_of_the_event() -> None:
    """An expression in a script is a part of it, whatever its value is."""
    for jobs in JOBS.values():
        for job in jobs.values():
            assert not [step for step in _steps(job) if "${{" in step.get("run", "")]


# The tools


def test_release_is_built_by_pinned_tools_alone() -> None:
    installs = [step["run"].split() for step in _steps(BUILD) if "install" in step.get("run", "")]
    assert installs == [
        [
            *("python", "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:"),
            *("-r", "tests/packaging/release-requirements.txt"),
        ]
    ]
    assert "python -m build --no-isolation\n" in _script(BUILD, "Build")
    for job in ("publish", "announce"):
        assert "pip" not in "".join(step.get("run", "") for step in _steps(JOBS["release"][job]))


def test_each_tool_is_pinned_with_hashes_and_without_an_address() -> None:
    entries = [entry for entry in re.split(r"\n(?=\S)", REQUIREMENTS) if entry[0] != "#"]
    assert len(entries) > 10
    for entry in entries:
        first, *rest = entry.rstrip().split(" \\\n")
        assert re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", first), first
        assert rest, first
        for line in rest:
            assert re.fullmatch(r"    --hash=sha256:[0-9a-f]{64}", line), line
    assert "/" not in REQUIREMENTS.replace("tests/packaging/release-requirements.txt", "")


def test_pinned_tools_are_those_of_the_project() -> None:
    pinned = dict(re.findall(r"(?m)^([a-z0-9-]+)==([\w.]+)", REQUIREMENTS))
    release = PROJECT["project"]["optional-dependencies"]["release"]
    for line in [*release, *PROJECT["build-system"]["requires"]]:
        requirement = Requirement(line)
        version = pinned[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version), f"{line}, but {version} is pinned"


def test_the_pins_and_the_manual_have_the_same_command() -> None:
    manual = (ROOT / "RELEASING.md").read_text(encoding="utf-8").replace("\\\n", " ")
    [command] = re.findall(r"(?m)^#    (uv pip compile .*)$", REQUIREMENTS)
    [shown] = re.findall(r"(?m)^ *(uv pip compile .*)$", manual)
    assert set(shown.split()) - {"--upgrade"} == set(command.split())


# The files


@pytest.fixture
def built(tmp_path: Path) -> Path:
    """A folder as the build job has it."""
    folder = tmp_path / "built"
    (folder / "dist").mkdir(parents=True)
    (folder / "dist" / "vendo_sdk-1.2.3-py3-none-any.whl").write_bytes(b"the wheel")
    (folder / "dist" / "vendo_sdk-1.2.3.tar.gz").write_bytes(b"the sources")
    (folder / "notes.md").write_text("- One thing is new.\n")
    return folder


@pytest.fixture
def digests(built: Path, tmp_path: Path) -> str:
    """What the build job reports."""
    output = tmp_path / "output"
    _run(_script(BUILD, "Report the digests"), built, GITHUB_OUTPUT=str(output))
    match = re.fullmatch(r"digests<<end\n(.*)\nend\n", output.read_text(), re.DOTALL)
    assert match is not None
    return match[1]


def test_digests_are_of_every_file_that_is_uploaded(digests: str) -> None:
    assert re.findall(r"(?m)^[0-9a-f]{64}  (.*)$", digests) == [
        "dist/vendo_sdk-1.2.3-py3-none-any.whl",
        "dist/vendo_sdk-1.2.3.tar.gz",
        "notes.md",
    ]
    [upload] = [step for step in _steps(BUILD) if "upload-artifact" in step.get("uses", "")]
    assert upload["with"]["path"].split() == ["dist/", "notes.md"]
    assert BUILD["outputs"] == {"digests": "${{ steps.digests.outputs.digests }}"}
    [step] = [step for step in _steps(BUILD) if step.get("id") == "digests"]
    assert step["name"] == "Report the digests"


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize("shell", ["bash", "sh"])
def test_files_that_were_built_pass(
    built: Path, digests: str, tmp_path: Path, taker: str, shell: str
) -> None:
    shutil.copytree(built, tmp_path / "release")
    assert _compare(taker, tmp_path, digests, shell=shell) == 0


@pytest.mark.parametrize("taker", TAKERS)
@pytest.mark.parametrize(
    "change",
    [
        lambda files: (files / "dist" / "vendo_sdk-1.2.3.tar.gz").write_bytes(b"other sources"),
        lambda files: (files / "dist" / "vendo_sdk-1.2.3-py3-none-any.whl").unlink(),
        lambda files: (files / "dist" / "vendo_sdk-1.2.4.tar.gz").write_bytes(b"the sources"),
        lambda files: (files / "dist" / ".hidden.whl").write_bytes(b"the wheel"),
        lambda files: (files / "dist" / "vendo_sdk-1.2.3.tar.gz").rename(files / "renamed.tar.gz"),
        lambda files: (files / "notes.md").write_text("- Another thing.\n"),
    ],
    ids=["changed", "missing", "added", "hidden", "renamed", "notes"],
)
def test_other_files_fail_the_job(
    built: Path, digests: str, tmp_path: Path, taker: str, change: Any
) -> None:
    shutil.copytree(built, tmp_path / "release")
    change(tmp_path / "release")
    assert _compare(taker, tmp_path, digests) != 0


@pytest.mark.parametrize("digests", ["", "\n", "none"])
def test_missing_digests_fail_the_job(built: Path, tmp_path: Path, digests: str) -> None:
    shutil.copytree(built, tmp_path / "release")
    assert [_compare(taker, tmp_path, digests) != 0 for taker in TAKERS] == [True] * 3


@pytest.mark.parametrize("taker", TAKERS)
def test_files_are_compared_before_they_are_used(taker: str) -> None:
    job, source = TAKERS[taker]
    steps = _steps(job)
    [at] = [n for n, step in enumerate(steps) if "download-artifact" in step.get("uses", "")]
    assert steps[at]["with"] == {"name": "release", "path": "release/"}
    compare = steps[at + 1]
    assert "sha256sum --check --strict" in compare["run"]
    assert compare["env"] == {"DIGESTS": source}
    assert "continue-on-error" not in compare
    users = [n for n, step in enumerate(steps) if "release/" in str(step) and n not in {at, at + 1}]
    assert users == [len(steps) - 1]
    assert users[0] > at


def test_release_is_built_once_and_tested_as_it_was_built() -> None:
    jobs = JOBS["release"]
    assert {name: job.get("needs", []) for name, job in jobs.items()} == {
        "build": [],
        "test": "build",
        "publish": ["build", "test"],
        "announce": ["build", "publish"],
    }
    assert jobs["test"]["uses"] == "./.github/workflows/ci.yml"
    assert jobs["test"]["with"] == {"digests": TAKERS["publish"][1]}
    steps = _steps(JOBS["ci"]["run"])
    assert {step["run"]: step["if"] for step in steps if ".ci/run" in step.get("run", "")} == {
        ".ci/run": "!inputs.digests",
        ".ci/run release/dist": "inputs.digests",
    }
    conditions = [step.get("if") for step in steps if "release" in str(step)]
    assert conditions == ["inputs.digests"] * 3
    assert "packages-dir: release/dist/\n" in TEXTS["release"]


def test_ci_run_takes_the_given_files_in_place_of_a_build(built: Path, tmp_path: Path) -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    [given] = re.findall(r"(?m)^given=.*\n", text)
    [step] = re.findall(r'(?ms)^if \[ -n "\$given" \].*?^fi\n', text)
    assert text.count("-m build ") == step.count("-m build ") == 1
    work = tmp_path / "work"
    work.mkdir()
    script = f"set -euo pipefail\n{given}work={work} lint=/missing\ncd /\n{step}"
    subprocess.run(["bash", "-c", script, "run", "dist"], cwd=built, check=True)
    copied = {path.name: path.read_bytes() for path in (work / "dist").iterdir()}
    assert copied == {path.name: path.read_bytes() for path in (built / "dist").iterdir()}
    without = subprocess.run(["bash", "-c", script, "run"], cwd=built, capture_output=True)
    assert b"/missing/python" in without.stderr


def _steps(job: dict[str, Any]) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = job.get("steps", [])
    return steps


def _script(job: dict[str, Any], name: str) -> str:
    [script] = [step["run"] for step in _steps(job) if step.get("name") == name]
    return str(script)


def _compare(taker: str, folder: Path, digests: str, *, shell: str = "bash") -> int:
    [step] = [step for step in _steps(TAKERS[taker][0]) if "DIGESTS" in step.get("env", ())]
    return _run(step["run"], folder, shell=shell, check=False, DIGESTS=digests)


def _run(
    script: str, folder: Path, *, shell: str = "bash", check: bool = True, **variables: str
) -> int:
    """Run a script as a step of a job does."""
    done = subprocess.run(
        [shell, "-e", "-c", script], cwd=folder, env={**os.environ, **variables}, check=check
    )
    return done.returncode
