"""Which tags may become a release, and its notes."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import vendo

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
SCRIPT = Path(__file__).with_name("release.py")
VERSION = '"""The version."""\n\n__version__ = "1.2.3"\n'
CHANGELOG = """\
# Changes

## 1.2.3, 2031-04-05

- One thing is new.

### More of it

- Another.

## 1.2.2, 2031-01-02

- Old.
"""


@pytest.fixture
def notes() -> Callable[..., str]:
    spec = spec_from_file_location("release", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    function: Callable[..., str] = module.notes
    return function


def test_the_notes_are_the_section_of_the_version(notes: Callable[..., str]) -> None:
    text = notes("v1.2.3", version_file=VERSION, changelog=CHANGELOG)
    assert text == "- One thing is new.\n\n### More of it\n\n- Another.\n"


def test_notes_of_a_first_release_extend_to_the_end(notes: Callable[..., str]) -> None:
    changelog = CHANGELOG.partition("## 1.2.2")[0]
    assert notes("v1.2.3", version_file=VERSION, changelog=changelog).endswith("- Another.\n")


@pytest.mark.parametrize(
    ("tag", "changelog", "problem"),
    [
        ("v1.2.4", CHANGELOG, "The tag is v1.2.4, and vendo/__init__.py says 1.2.3."),
        ("1.2.3", CHANGELOG, "The tag is 1.2.3,"),
        ("v1.2.3", CHANGELOG.replace("1.2.3", "1.2.4"), "first section of CHANGELOG.md is not"),
        ("v1.2.3", "# Changes\n", "first section of CHANGELOG.md is not of 1.2.3"),
        ("v1.2.3", CHANGELOG.replace("2031-04-05", "unreleased"), "says 'unreleased' where the"),
        ("v1.2.3", "## 1.2.3, 2031-04-05\n\n## 1.2.2, 2031-01-02\n- Old.", "does not say what is"),
    ],
)
def test_tag_that_does_not_match_is_an_error(
    notes: Callable[..., str], tag: str, changelog: str, problem: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(problem)):
        notes(tag, version_file=VERSION, changelog=changelog)


@pytest.mark.parametrize(
    ("tag", "status", "printed", "complaint"),
    [
        ("v1.2.3", 0, "- One thing is new.", ""),
        ("v1.2.4", 1, "", "The tag is v1.2.4, and vendo/__init__.py says 1.2.3.\n"),
    ],
)
def test_script_prints_the_notes_or_the_error(
    tag: str, status: int, printed: str, complaint: str, tmp_path: Path
) -> None:
    script = tmp_path / "tests" / "packaging" / "release.py"
    script.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, script)
    (tmp_path / "vendo").mkdir()
    (tmp_path / "vendo" / "__init__.py").write_text(VERSION)
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG)
    done = subprocess.run([sys.executable, script, tag], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (status, complaint)
    assert done.stdout.startswith(printed)
    assert bool(done.stdout) is not bool(complaint)


def test_changelog_begins_with_the_current_version() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    [first, *_] = re.findall(r"^## (\S+), ", changelog, re.MULTILINE)
    assert first == vendo.__version__
