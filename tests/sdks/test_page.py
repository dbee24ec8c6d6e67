"""The page about these packages: each block runs, and is short."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from manual.blocks import ROOT, Block, blocks
from manual.connected import connected_reader

pytestmark = pytest.mark.sdk

PAGE = ROOT / "docs" / "provider-sdks.md"


def sections() -> dict[str, list[Block]]:
    """Return the blocks below each heading."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    found: dict[str, list[Block]] = {}
    for block in blocks(PAGE):
        heading = next(line for line in lines[block.line - 1 :: -1] if line.startswith("## "))
        found.setdefault(heading.removeprefix("## "), []).append(block)
    return found


@pytest.mark.parametrize("section", sections())
def test_every_block_of_a_section_runs(section: str, tmp_path: Path) -> None:
    with connected_reader(tmp_path) as reader:
        for block in sections()[section]:
            reader.read(block)


@pytest.mark.parametrize("block", blocks(PAGE), ids=str)
def test_block_is_short(block: Block) -> None:
    code = [line for line in block.text.splitlines() if line.strip()]
    assert len(code) <= 10
    assert max(map(len, code)) <= 100


def test_every_section_is_in_the_table() -> None:
    text = PAGE.read_text(encoding="utf-8")
    headings = Counter(line[3:] for line in text.splitlines() if line.startswith("## "))
    table = [line for line in text.splitlines() if line.startswith("|")]
    anchors = {heading.lower().replace(",", "").replace(" ", "-") for heading in headings}
    assert [anchor for anchor in anchors if not any(f"(#{anchor})" in row for row in table)] == []
