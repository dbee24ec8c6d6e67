"""Pages that promise a complete list are complete."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from manual.blocks import ROOT, blocks, pages
from support import vectors
from vendo import errors
from vendo._config import environment

if TYPE_CHECKING:
    from pathlib import Path


def _text(page: str) -> str:
    return (ROOT / "docs" / page).read_text(encoding="utf-8")


def test_every_page_is_in_the_navigation_once() -> None:
    settings = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    listed = re.findall(r"^ +- (\S+\.md)$", settings, re.MULTILINE)
    docs = ROOT / "docs"
    assert sorted(listed) == sorted(
        path.relative_to(docs).as_posix() for path in docs.rglob("*.md")
    )


@pytest.mark.parametrize("page", sorted(ROOT.glob("*.md")), ids=lambda page: page.name)
def test_links_of_the_top_level_pages_exist(page: Path) -> None:
    prose = re.sub(r"(?ms)^```.*?^```$", "", page.read_text(encoding="utf-8"))
    targets = [urlsplit(target) for target in re.findall(r"\]\(([^)\s]+)\)", prose)]
    local = [target.path for target in targets if not target.netloc and target.path]
    assert [path for path in local if not (ROOT / path).exists()] == []


def test_the_readme_has_no_link_that_a_package_index_would_break() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(
        r"\]\(\s*([^)\s]+)|^\[[^\]]+\]:\s*(\S+)|(?:href|src)=.(\S+)", text, re.MULTILINE
    )
    targets = ["".join(link) for link in links]
    assert targets
    assert [target for target in targets if not target.startswith(("https://", "#"))] == []


def test_every_path_in_the_readme_exists() -> None:
    prose = re.sub(r"(?ms)^```.*?^```$", "", (ROOT / "README.md").read_text(encoding="utf-8"))
    named = re.findall(r"`([\w.-]+/[\w./-]*|[\w-]+\.(?:md|toml|py))`", prose)
    assert {"CONTRIBUTING.md", "docs/tutorial.md"} <= set(named)
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_test_in_the_contributing_page_exists() -> None:
    text = "".join(block.text for block in blocks(ROOT / "CONTRIBUTING.md"))
    named = re.findall(r"pytest (tests/[\w/.]+)(?:::(\w+))?", text)
    assert len(named) > 2
    for path, name in named:
        assert (ROOT / path).exists(), path
        assert not name or f"def {name}(" in (ROOT / path).read_text(encoding="utf-8"), name


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.relative_to(ROOT).as_posix())
def test_no_block_contains_a_prompt(page: Path) -> None:
    lines = [line for block in blocks(page) for line in block.text.splitlines()]
    assert [line for line in lines if line.startswith(("$ ", "% ", ">>> "))] == []


def test_every_error_has_a_row() -> None:
    table = _text("errors.md").partition("## Each error")[2].partition("\n## ")[0]
    assert [name for name in errors.__all__ if f"| `{name}` |" not in table] == []


def test_every_error_code_is_explained() -> None:
    codes = {row["expect"].get("code") for row in vectors.rows("errors.json")} - {None}
    assert codes
    assert codes <= set(re.findall(r"`([a-z_]+)`", _text("errors.md")))


def test_every_variable_is_in_the_reference() -> None:
    variables = [
        value.name
        for value in vars(environment).values()
        if isinstance(value, environment.Variable)
    ]
    assert len(variables) > 10
    table = _text("environment.md")
    assert [
        name for name in variables if f"| `{name}`" not in table and f", `{name}`" not in table
    ] == []


def test_the_resolution_chain_is_listed_in_order() -> None:
    chain = re.findall(r"^(\d)\. (.*)", _text("modes.md"), re.MULTILINE)
    words = ["VENDO_TOKEN_<SLUG>", "Vendo mode", "OSS mode", "NotConnected"]
    assert [number for number, _ in chain] == ["1", "2", "3", "4"]
    assert all(word in step for word, (_, step) in zip(words, chain, strict=True))
