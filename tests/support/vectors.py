"""The test vectors of the platform's wire contract, in `tests/vectors`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, TypeAlias

Row: TypeAlias = dict[str, Any]

_FOLDER = Path(__file__).parents[1] / "vectors"


def rows(name: str) -> list[Row]:
    """The rows of one file, such as `sse.json`."""
    found: list[Row] = json.loads((_FOLDER / name).read_text(encoding="utf-8"))
    assert found, f"{name} has no rows"
    return found
