"""What is in an env file: other people's lines, and one block of ours at its end.

The block stands between two marks that carry a key, drawn when the block is first made. No value
can hold the closing mark, since nobody who makes a value knows the key. It is also the key of the
digests in the state file, so that those say nothing to whoever does not have the env file itself.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from vendo.reconciler._quoting import ASSIGNMENT

_BLOCK: Final = re.compile(
    r"^# >>> vendo (?P<key>[A-Za-z0-9_-]{22,64})[^\n]*\n"
    r"(?P<body>.*?)"
    r"^# <<< vendo (?P=key)[^\n]*(?:\n|\Z)",
    re.DOTALL | re.MULTILINE,
)
_OPENING: Final = "# >>> vendo {key} (kept up to date: your own lines go above)\n"
_CLOSING: Final = "# <<< vendo {key}\n"


@dataclass(frozen=True, slots=True)
class Contents:
    """An env file that was taken apart. What it holds is secret, and not in its `repr`.

    Attributes:
        foreign: the text outside the block, and lines inside that are no assignment of ours.
        key: the key in the block's marks, or None where there is no block.
        lines: the block's assignments by the variable's name, without the end of the line.
    """

    foreign: str = field(repr=False)
    key: str | None = field(repr=False)
    lines: Mapping[str, str] = field(repr=False)


def parsed(text: str) -> Contents:
    """Take an env file apart."""
    key: str | None = None
    lines: dict[str, str] = {}
    foreign: list[str] = []
    strays: list[str] = []
    end = 0
    for block in _BLOCK.finditer(text):
        # The empty line above the block came with it.
        before = text[end : block.start()]
        foreign.append(before[:-1] if before.endswith("\n\n") else before)
        end = block.end()
        key = block["key"]
        _read_body(block["body"], lines, strays)
    foreign.append(text[end:])
    return Contents(_joined(*foreign, *strays), key, lines)


def _read_body(body: str, lines: dict[str, str], strays: list[str]) -> None:
    at = 0
    while at < len(body):
        entry = ASSIGNMENT.match(body, at)
        if entry is not None:
            lines[entry["name"]] = entry[0].rstrip("\r\n")
            at = entry.end()
        else:
            end = body.find("\n", at) + 1 or len(body)
            strays.append(body[at:end])
            at = end


def without(contents: Contents, is_ours: Callable[[str, str], bool]) -> Contents:
    """The same, with the block's assignments that are not ours among the foreign lines.

    `is_ours` is asked for each assignment by name and line: somebody may have written one of
    their own inside the block.
    """
    ours = {name: line for name, line in contents.lines.items() if is_ours(name, line)}
    strays = [f"{line}\n" for name, line in contents.lines.items() if name not in ours]
    return Contents(_joined(contents.foreign, *strays), contents.key, ours)


def rendered(foreign: str, key: str, lines: Mapping[str, str]) -> str:
    """The env file's text: the foreign lines as they were, then the block."""
    above = _joined(foreign, "")
    # The empty line keeps a foreign line that ends in a backslash from going on in the mark.
    gap = "\n" if above else ""
    body = "".join(f"{line}\n" for line in lines.values())
    return f"{above}{gap}{_OPENING.format(key=key)}{body}{_CLOSING.format(key=key)}"


def new_key() -> str:
    """A key for the marks of a block."""
    return secrets.token_urlsafe(24)


def digest(key: str, line: str) -> str:
    """A line's keyed digest, in hexadecimal."""
    return hmac.new(key.encode(), line.encode("utf-8", "surrogateescape"), "sha256").hexdigest()


def _joined(*parts: str) -> str:
    """The parts in one text, each but the last ending its line."""
    joined = ""
    for part in parts:
        if joined and not joined.endswith("\n"):
            joined += "\n"
        joined += part
    return joined
