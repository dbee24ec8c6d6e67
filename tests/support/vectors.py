"""The wire contract's test vectors, which lie beside the project and not in it.

They are looked for in the folder that the variable `VENDO_TEST_VECTORS` names, else in
`shared/vectors` next to the project's folder, the working directory, or a folder above one of
them.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]

_VARIABLE = "VENDO_TEST_VECTORS"
#: Read when the tests are collected: a test may empty the environment.
_NAMED = os.environ.get(_VARIABLE)


def rows(name: str) -> list[Row]:
    """The rows of one file, such as `sse.json`."""
    found: list[Row] = json.loads((folder() / name).read_text(encoding="utf-8"))
    assert found, f"{name} has no rows"
    return found


def folder() -> Path:
    """The folder of the vectors."""
    if _NAMED:
        return Path(_NAMED)
    starts = [Path(__file__).resolve(), Path.cwd() / "anything"]
    for start in starts:
        for above in start.parents:
            candidate = above / "shared" / "vectors"
            if candidate.is_dir():
                return candidate
    raise FileNotFoundError(
        f"No folder shared/vectors beside or above the project: set {_VARIABLE} to the folder "
        "that holds the wire contract's vectors."
    )
