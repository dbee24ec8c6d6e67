"""The page about providers' packages: each block runs as it is written, and is short."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from manual.blocks import Block, blocks, blocks_of
from manual.reader import Reader
from sdks.recipes import PAGE, sections
from support.internet import internet

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk


@pytest.mark.parametrize("heading", sections())
def test_programs_of_a_section_run(server: LocalVendo, tmp_path: Path, heading: str) -> None:
    # Sessions reach the local server. What sends requests itself finds its hosts here too.
    with internet(server) as net:
        address = {name: os.environ[name] for name in os.environ if name.startswith("VENDO_")}
        environment = {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "LANG": "C.UTF-8",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            **net.environment,
            **address,
        }
        with Reader(server, {"vendo": environment}, tmp_path) as reader:
            for block in blocks_of(sections()[heading], heading):
                reader.read(block)


@pytest.mark.parametrize("block", blocks(PAGE), ids=str)
def test_block_is_short(block: Block) -> None:
    code = [line for line in block.text.splitlines() if line.strip()]
    # The class for Slack's blocking client repeats a call.
    assert len(code) <= (14 if "class VendoWebClient" in block.text else 10)
    assert max(map(len, code)) <= 100


def test_every_section_is_in_the_table() -> None:
    table = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith("|")]
    anchors = {heading.lower().replace(",", "").replace(" ", "-") for heading in sections()}
    assert [anchor for anchor in anchors if not any(f"(#{anchor})" in row for row in table)] == []
