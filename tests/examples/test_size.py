"""Each example is small enough to read, and its page fits on a screen."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from support.examples import FOLDER, NAMES

if TYPE_CHECKING:
    from pathlib import Path

MAILBOXES = {
    "django": "mailapp/templates/mailapp/base.html",
    "fastapi": "mailapp/static/style.css",
    "flask": "mailapp/templates/base.html",
}
ALL = [*NAMES, "openai_chat"]


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def test_these_are_all_examples() -> None:
    assert sorted(MAILBOXES) == NAMES
    assert {path.parent.name for path in FOLDER.glob("*/README.md")} == set(ALL)


@pytest.mark.parametrize(
    ("name", "fewer_than"), [*((name, 150) for name in NAMES), ("openai_chat", 60)]
)
def test_the_python_of_an_example_is_short(name: str, fewer_than: int) -> None:
    files = [path for path in (FOLDER / name).rglob("*.py") if "__pycache__" not in path.parts]
    assert files
    assert 0 < sum(_lines(path) for path in files) < fewer_than


def test_what_they_share_is_short() -> None:
    assert [path.name for path in (FOLDER / "shared").glob("*.py") if _lines(path) >= 200] == []


@pytest.mark.parametrize("name", ALL)
def test_the_page_of_an_example_fits_on_a_screen(name: str) -> None:
    readme = FOLDER / name / "README.md"
    text = readme.read_text(encoding="utf-8")
    assert _lines(readme) <= 25
    assert len(re.findall(r"^    pip install ", text, re.MULTILINE)) == 1
    assert len(re.findall(r"^    python \w+\.py", text, re.MULTILINE)) == 1
    listed = re.findall(r"^\| `([^`]+)` \|", text, re.MULTILINE)
    pictures = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", text)
    assert listed
    assert len(pictures) == (name in NAMES)
    missing = [path for path in listed + pictures if not (FOLDER / name / path).exists()]
    assert missing == []


def test_mailboxes_have_one_style_but_for_their_colours() -> None:
    styles = set()
    for name, path in MAILBOXES.items():
        text = (FOLDER / name / path).read_text(encoding="utf-8")
        if found := re.search(r"<style>\n(.*?)</style>", text, re.DOTALL):
            text = found[1]
        assert "--main: #" in text
        styles.add(re.sub(r"(--main|--on-main|--tint): #\w+;", r"\1", text))
    assert len(styles) == 1
