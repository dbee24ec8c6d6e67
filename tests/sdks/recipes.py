"""The page about providers' packages: its sections, and the programs that they show."""

from __future__ import annotations

import ast
from types import SimpleNamespace
from typing import Any

from manual.blocks import ROOT, blocks_of

PAGE = ROOT / "docs" / "provider-sdks.md"
_DEFINED = (ast.AsyncFunctionDef, ast.ClassDef, ast.FunctionDef, ast.Import, ast.ImportFrom)


def sections() -> dict[str, str]:
    """Return the text of each section by its heading."""
    parts = PAGE.read_text("utf-8").split("\n## ")[1:]
    return {part.partition("\n")[0]: part for part in parts}


def recipe(heading: str, name: str) -> Any:
    """Return what a program of a section defines, as attributes. What it calls does not run.

    Args:
        heading: that of the section.
        name: what the program defines.
    """
    (found,) = (program for program in _programs(heading) if hasattr(program, name))
    return found


def _programs(heading: str) -> list[Any]:
    programs: list[dict[str, Any]] = []
    for block in blocks_of(sections()[heading], heading):
        if block.language != "python":
            continue
        if not block.says("continues"):
            programs.append({"__name__": __name__})
        tree = ast.parse(block.text)
        tree.body = [node for node in tree.body if isinstance(node, _DEFINED)]
        exec(compile(tree, str(block), "exec"), programs[-1])
    return [SimpleNamespace(**program) for program in programs]
