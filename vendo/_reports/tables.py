"""Text for a terminal: tables and styles. Foreign text cannot control it."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import TextIO


def printable(text: str) -> str:
    """Return foreign text on one line, without the characters that control a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


class Style:
    """Colours for a terminal; none for a file, with `NO_COLOR`, or with `TERM=dumb`.

    `stream` is what the text is written to, None where it is not known.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.is_terminal = stream is not None and stream.isatty()
        enabled = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._on = enabled and self.is_terminal

    def __call__(self, text: str, *styles: str) -> str:
        """Return the text in a style out of `bold`, `dim` and the names of colours."""
        if not self._on or not styles or not text:
            return text
        return f"\x1b[{';'.join(_SGR[style] for style in styles)}m{text}\x1b[0m"


class Cell(str):
    """A cell of a table with a style."""

    __slots__ = ("styles",)
    styles: tuple[str, ...]

    def __new__(cls, text: str, *styles: str) -> Cell:
        cell = super().__new__(cls, text)
        cell.styles = styles
        return cell


def table(
    rows: Iterable[Sequence[str]], *, indent: str = "", style: Style | None = None
) -> list[str]:
    """Return the rows as lines with aligned columns."""
    cells = [list(row) for row in rows]
    widths = [max(len(printable(cell)) for cell in column) for column in zip(*cells, strict=True)]
    lines = []
    for row in cells:
        texts = [printable(cell) for cell in row]
        while texts and not texts[-1]:
            texts.pop()
        columns = []
        for number, (text, cell) in enumerate(zip(texts, row, strict=False), 1):
            space = " " * (widths[number - 1] - len(text)) if number < len(texts) else ""
            styled = style(text, *cell.styles) if style and isinstance(cell, Cell) else text
            columns.append(styled + space)
        lines.append(indent + "  ".join(columns))
    return lines


_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
