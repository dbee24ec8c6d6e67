"""The manual is written in plain words and short sentences, and code comes early."""

from __future__ import annotations

import importlib
import pkgutil
import re
from typing import TYPE_CHECKING

import pytest

from manual.blocks import ROOT, pages
from vendo._cli import commands

if TYPE_CHECKING:
    from pathlib import Path

#: Words for which the manual has plainer ones.
UNPLAIN = re.compile(
    r"\b(answer\w*|persons?|told|tells|says|is asked|whoever|nobody|somebody|everybody|one who"
    r"|to be had|at hand|in vain|stands? in for|stand-in|refus\w+|advice|of which)\b",
    re.IGNORECASE,
)
LONGEST_SENTENCE = 36
#: A page begins with code, or shows its first block on its second screen at the latest.
LAST_LINE_OF_FIRST_CODE = 60

PAGES = [*pages(), *sorted((ROOT / "examples").glob("*/README.md"))]
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


def prose(page: Path) -> str:
    """Return a page's text without code, comments and addresses of links."""
    text = re.sub(r"(?ms)^ *```.*?^ *```$|<!--.*?-->", "", page.read_text(encoding="utf-8"))
    return re.sub(r"\]\([^)]*\)", "]", re.sub(r"`[^`]*`", "X", text))


def sentences(text: str) -> list[str]:
    """Return the sentences of a text, without tables and headings."""
    lines = [line for line in text.splitlines() if not re.match(r" *[|#!]", line)]
    text = re.sub(r"\n(?= *(?:[-*]|\d+\.) )", "\n\n", "\n".join(lines))
    return re.split(r"(?<=[.!?:;])\**\s+|\n\s*\n", text)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_page_has_plain_words(page: Path) -> None:
    assert UNPLAIN.findall(prose(page)) == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_page_has_short_sentences(page: Path) -> None:
    long = [
        sentence
        for sentence in sentences(prose(page))
        if len(re.findall(r"\S*\w\S*", sentence)) > LONGEST_SENTENCE
    ]
    assert long == []


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name)
def test_page_shows_code_early(page: Path) -> None:
    seen = re.sub(r"(?ms)^<!--.*?-->\n+", "", page.read_text(encoding="utf-8"))
    before, fence, _ = seen.partition("\n```")
    assert not fence or before.count("\n") < LAST_LINE_OF_FIRST_CODE


@pytest.mark.parametrize(
    "name", [module.name for module in pkgutil.iter_modules(commands.__path__)]
)
def test_help_text_has_plain_words(name: str) -> None:
    module = importlib.import_module(f"{commands.__name__}.{name}")
    assert UNPLAIN.findall(module.HELP) == []
