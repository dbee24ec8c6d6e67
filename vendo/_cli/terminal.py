"""What commands print: lines, JSON, tables, errors; never anything that steers the terminal."""

from __future__ import annotations

import errno
import os
import sys

from vendo.errors import NeedsReauth, NotConnected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from io import TextIOWrapper
    from typing import Any

    from vendo.errors import VendoError


def write(text: str = "") -> None:
    """Print lines. They are sent at once, for whoever reads them as they come.

    Raises:
        OSError: they cannot be written, as on a full disk.
    """
    output = _output()
    # An event may hold letters that a narrow locale cannot write.
    encoding = output.encoding or "ascii"
    output.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    output.flush()


def write_credential(text: str) -> None:
    """Print a line whose bytes are those of the environment, whatever the locale says.

    Raises:
        OSError: they cannot be written.
    """
    output = _output()
    output.flush()
    output.buffer.write(os.fsencode(text) + b"\n")


def _output() -> TextIOWrapper:
    # Python has none where whoever started the command has closed it.
    if sys.stdout is None:
        raise OSError(errno.EBADF, "Standard output is closed, and there is nowhere to print.")
    output: TextIOWrapper = sys.stdout  # type: ignore[assignment]  # typeshed allows for any TextIO
    return output


def write_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON, on one line where `indent` is None."""
    import json

    write(json.dumps(value, indent=indent))


def say(text: str) -> None:
    """Tell the person something that is no result."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def report(error: VendoError) -> None:
    """Tell the person what went wrong and what to do next."""
    report_failure(error.message)
    if error.suggested_fix:
        say(f"fix: {cleaned(error.suggested_fix)}")
    # Without a status it is OSS mode's, where there is no page to connect anything at.
    if isinstance(error, NotConnected | NeedsReauth) and error.slug and error.status is not None:
        say(f"fix: python -m vendo connect-url {cleaned(error.slug)} prints the address.")


def report_failure(message: str) -> None:
    """Tell the person what went wrong."""
    say(f"error: {cleaned(message)}")


def flush() -> None:
    """Send what is printed so far, so that a failure is noticed while it can be handled."""
    if sys.stdout is not None:
        sys.stdout.flush()


def drop_output() -> None:
    """Send the rest nowhere: the interpreter would try once more at its end, and complain."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)
    except (OSError, ValueError, AttributeError):
        pass  # standard output is no file


def cleaned(text: str) -> str:
    """A text from elsewhere on one line, without the characters that steer a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


class Style:
    """Colour for a terminal, and nothing for a file or a person who wants none (`NO_COLOR`)."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout is not None and sys.stdout.isatty()
        wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        self._on = wanted and self.is_terminal

    def __call__(self, text: str, *styles: str) -> str:
        """The text in a style out of `bold`, `dim` and the names of colours."""
        if not self._on or not styles or not text:
            return text
        return f"\x1b[{';'.join(_SGR[style] for style in styles)}m{text}\x1b[0m"


class Cell(str):
    """A text of a table that has a style of its own."""

    __slots__ = ("styles",)
    styles: tuple[str, ...]

    def __new__(cls, text: str, *styles: str) -> Cell:
        cell = super().__new__(cls, text)
        cell.styles = styles
        return cell


def aligned(
    rows: Iterable[Sequence[str]], *, indent: str = "", style: Style | None = None
) -> list[str]:
    """Rows as lines whose columns stand below each other."""
    kept = [list(row) for row in rows]
    widths = [max(len(cleaned(cell)) for cell in column) for column in zip(*kept, strict=True)]
    lines = []
    for row in kept:
        texts = [cleaned(cell) for cell in row]
        while texts and not texts[-1]:
            texts.pop()
        shown = []
        for number, (text, cell) in enumerate(zip(texts, row, strict=False), 1):
            space = " " * (widths[number - 1] - len(text)) if number < len(texts) else ""
            painted = style(text, *cell.styles) if style and isinstance(cell, Cell) else text
            shown.append(painted + space)
        lines.append(indent + "  ".join(shown))
    return lines


_SGR = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}
