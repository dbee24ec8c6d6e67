"""The public API of a package as the text of a file."""

from __future__ import annotations

import tomllib
from pathlib import Path

from support.public_api.declared import declared_by
from support.public_api.described import described

ROOT = Path(__file__).parents[3]
FOLDER = ROOT / "docs" / "public-api"
COMMAND = "cd tests && python -m support.public_api"
_WIDTH = 100


def packages() -> list[str]:
    """The packages of the distribution."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[str] = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return found


def listing(package: str) -> str:
    """Return the text of a package's file."""
    lines = [f"What {package} promises. Written by: {COMMAND}", ""]
    for line in described(package).splitlines():
        lines += _broken(line) if len(line) > _WIDTH else [line]
    declared = declared_by(package)
    if declared:
        lines += ["", "[not Python's]", "", *declared.splitlines()]
    return "\n".join(lines) + "\n"


def _broken(line: str) -> list[str]:
    """Put each parameter, or member of a long alias, on its own line, for small diffs."""
    margin = " " * (len(line) - len(line.lstrip()))
    start = 1 + min(line.find(mark) for mark in "([" if mark in line)
    pieces, depth = [line[:start]], 0
    for i in range(start, len(line)):
        depth += (line[i] in "([") - (line[i] in ")]")
        if depth < 0:
            pieces += [f"{margin}    {line[start:i].strip()}", f"{margin}{line[i:]}"]
            break
        if line[i] == "," and depth == 0:
            pieces.append(f"{margin}    {line[start : i + 1].strip()}")
            start = i + 1
    return pieces
