"""What is remembered beside an env file: digests of lines, and never a value.

The file is also the lock of its env file, so it is written in place and not replaced. A crash in
the middle leaves something that is no JSON, which counts as nothing remembered.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

_VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class State:
    """Digests of the lines of one block.

    Attributes:
        lines: of every line that a reconciler may have put into the block.
        told: by the variable's name, of the lines that whoever wanted to know was told of.
    """

    lines: frozenset[str] = frozenset()
    told: Mapping[str, str] = field(default_factory=dict)


def read(data: bytes, key: str | None) -> State | None:
    """The state of the block with this key; None where nothing, or another one, is remembered."""
    if key is None:
        return None
    try:
        fields = json.loads(data)
        if fields["version"] != _VERSION or fields["block"] != _name_of(key):
            return None
        lines, told = fields["lines"], fields["told"]
        texts = [*lines, *told.values()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not all(isinstance(text, str) for text in texts):
        return None
    return State(frozenset(lines), told)


def written(state: State, key: str) -> bytes:
    """The state as a file holds it."""
    fields = {
        "version": _VERSION,
        "block": _name_of(key),
        "lines": sorted(state.lines),
        "told": dict(state.told),
    }
    return json.dumps(fields, indent=1).encode() + b"\n"


def _name_of(key: str) -> str:
    # The key is random and long: its digest does not lead back to it.
    return sha256(key.encode()).hexdigest()
