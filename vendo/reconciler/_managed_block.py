"""The text of an env file: the lines of other programs and users, and our block at its end.

The block is between two marks with a random key. A value cannot contain the closing mark, since
the key is not known outside the env file. It is also the key of the digests in the state file,
which therefore reveal nothing without the env file.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections import defaultdict, deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from operator import methodcaller
from typing import Final, NamedTuple

from vendo._protocol.secret import Secret
from vendo.reconciler._quoting import end_of_assignment

_MARK: Final = re.compile(
    r"^# (?:>>>|<<<) vendo [A-Za-z0-9_-]{22,64}(?!\S)[^\n]*(?:\n|\Z)", re.MULTILINE
)
_OPENING: Final = "# >>> vendo {key} (kept up to date: your own lines go above)\n"
_CLOSING: Final = "# <<< vendo {key}\n"


@dataclass(frozen=True, slots=True)
class EnvText:
    """The parsed text of an env file.

    Attributes:
        foreign: the text outside the block, and lines inside that are not our assignments.
        key: the key in the block's marks, or None if there is no block.
        lines: the assignments of the block by variable, without the line end.
    """

    foreign: Secret
    key: Secret | None
    lines: Mapping[str, Secret]


def parse(text: Secret) -> EnvText:
    """Parse the text of an env file."""
    key: Secret | None = None
    lines: dict[str, Secret] = {}
    foreign: list[Secret] = []
    strays: list[Secret] = []
    position = 0
    for block in _blocks(text):
        # `render` adds the empty line above the block.
        before = text[position : block.start]
        foreign.append(before[:-1] if before.endswith("\n\n") else before)
        position = block.end
        key = block.key
        _parse_body(text[block.body : block.body_end], lines, strays)
    foreign.append(text[position:])
    return EnvText(_joined(*foreign, *strays), key, lines)


class _Block(NamedTuple):
    """The bounds of a block, and of what is between its marks."""

    key: Secret
    start: int
    body: int
    body_end: int
    end: int


def _blocks(text: Secret) -> Iterator[_Block]:
    """Yield the blocks: an opening mark up to the next closing mark with its key."""
    openings = []
    closings: defaultdict[Secret, deque[tuple[int, int]]] = defaultdict(deque)
    # No variable holds a match, whose repr shows the key.
    for start, end in map(methodcaller("span"), _MARK.finditer(text)):
        key = Secret(text[start:end].split()[3])
        if text.startswith("# >>>", start):
            openings.append((key, start, end))
        else:
            closings[key].append((start, end))
    position = 0
    for key, start, body in openings:
        # Every mark is passed once, so that a file with many takes linear time.
        while closings[key] and closings[key][0][0] < body:
            closings[key].popleft()
        if start >= position and closings[key]:
            body_end, position = closings[key].popleft()
            yield _Block(key, start, body, body_end, position)


def _parse_body(body: Secret, lines: dict[str, Secret], strays: list[Secret]) -> None:
    position = 0
    while position < len(body):
        end = end_of_assignment(body, position)
        if end is not None:
            line = Secret(body[position:end].rstrip("\r\n"))
            lines[line.partition("=")[0]] = line
        else:
            end = body.find("\n", position) + 1 or len(body)
            strays.append(body[position:end])
        position = end


def disown(text: EnvText, is_ours: Callable[[str, Secret], bool]) -> EnvText:
    """Move the assignments of the block that are not ours to the foreign lines.

    `is_ours` is called with the name and the line of each: a user may have written an assignment
    into the block.
    """
    ours = {name: line for name, line in text.lines.items() if is_ours(name, line)}
    strays = [_ended(line) for name, line in text.lines.items() if name not in ours]
    return EnvText(_joined(text.foreign, *strays), text.key, ours)


def render(foreign: Secret, key: Secret, lines: Mapping[str, Secret]) -> Secret:
    """Return the text of an env file: the foreign lines unchanged, then the block."""
    # The empty line keeps a foreign line that ends in a backslash from including the mark.
    gap = Secret("\n" if foreign else "")
    opening, closing = (Secret(mark.format(key=key.reveal())) for mark in (_OPENING, _CLOSING))
    return Secret("".join([_ended(foreign), gap, opening, *map(_ended, lines.values()), closing]))


def new_key() -> Secret:
    """Return a new key for the marks of a block."""
    return Secret(secrets.token_urlsafe(24))


def digest(key: Secret, line: Secret) -> str:
    """Return the keyed digest of a line, in hexadecimal."""
    return hmac.new(key.encode(), line.encode("utf-8", "surrogateescape"), "sha256").hexdigest()


def _joined(*parts: Secret) -> Secret:
    """Join the parts, and end the last line of each but the last part."""
    *others, last = parts
    return Secret("".join([*map(_ended, others), last]))


def _ended(text: Secret) -> Secret:
    return text if not text or text.endswith("\n") else Secret(f"{text.reveal()}\n")
