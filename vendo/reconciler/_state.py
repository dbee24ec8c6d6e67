"""The state file beside an env file: digests of lines, and no value.

It is also the lock of its env file, so it is written in place and not replaced. A crash may leave
malformed JSON, which counts as no state.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from vendo._protocol.secret import Secret

_VERSION: Final = 1
#: Where the file has the handled lines. Files of earlier versions have this name.
_HANDLED: Final = "told"


@dataclass(frozen=True, slots=True)
class State:
    """Digests of the lines of one block.

    Attributes:
        lines: of every line that a reconciler may have written into the block.
        handled: by variable, of the lines at the last change that a handler was called with.
    """

    lines: frozenset[str] = frozenset()
    handled: Mapping[str, str] = field(default_factory=dict)


def decode(data: bytes, key: Secret | None) -> State | None:
    """Decode the state of the block with this key; None if there is none, or one of another."""
    if key is None:
        return None
    try:
        fields = json.loads(data)
        if fields["version"] != _VERSION or fields["block"] != _block_id(key):
            return None
        lines, handled = fields["lines"], fields[_HANDLED]
        texts = [*lines, *handled.values()]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    if not all(isinstance(text, str) for text in texts):
        return None
    return State(frozenset(lines), handled)


def encode(state: State, key: Secret) -> bytes:
    """Encode the state for the file."""
    fields = {
        "version": _VERSION,
        "block": _block_id(key),
        "lines": sorted(state.lines),
        _HANDLED: dict(state.handled),
    }
    return json.dumps(fields, indent=1).encode() + b"\n"


def _block_id(key: Secret) -> str:
    # The key is long and random, so its digest does not reveal it.
    return sha256(key.encode()).hexdigest()
