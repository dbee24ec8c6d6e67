"""The output of commands: results, errors, JSON, tables. Foreign text cannot control a terminal."""

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
    """Print a result. It is flushed, for programs that read line by line.

    Raises:
        OSError: it cannot be written, as on a full disk.
    """
    stdout = _stdout()
    # An event may hold letters that the locale cannot encode.
    encoding = stdout.encoding or "ascii"
    stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
    stdout.flush()


def write_token(token: str) -> None:
    """Print a token with the bytes that it has in the environment, whatever the locale.

    Raises:
        OSError: it cannot be written.
    """
    stdout = _stdout()
    stdout.flush()
    stdout.buffer.write(os.fsencode(token) + b"\n")


def _stdout() -> TextIOWrapper:
    # None where the parent process has closed it.
    if sys.stdout is None:
        raise OSError(errno.EBADF, "Standard output is closed")
    stdout: TextIOWrapper = sys.stdout  # type: ignore[assignment]  # typeshed allows for any TextIO
    return stdout


def write_json(value: Any, *, indent: int | None = 2) -> None:
    """Print a value as JSON, on one line where `indent` is None."""
    import json

    write(json.dumps(value, indent=indent))


def notify(text: str) -> None:
    """Print a line that is not a result, to standard error."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()


def report_error(error: VendoError) -> None:
    """Print an error and how to fix it."""
    report_failure(error.message, fix=error.suggested_fix)
    # Without a status the error is from OSS mode, where there is no link.
    if isinstance(error, NotConnected | NeedsReauth) and error.slug and error.status is not None:
        notify(f"fix: python -m vendo connect-url {printable(error.slug)}")


def report_failure(message: str, *, fix: str | None = None) -> None:
    """Print what went wrong and how to fix it."""
    notify(f"error: {printable(message)}")
    if fix:
        notify(f"fix: {printable(fix)}")


def flush() -> None:
    """Flush standard output, so that a failure is noticed while it can be handled."""
    if sys.stdout is not None:
        sys.stdout.flush()


def discard() -> None:
    """Discard the rest of the output: the interpreter would fail to flush it at exit."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):
        pass  # standard output is not a file


def printable(text: str) -> str:
    """Return foreign text on one line, without the characters that control a terminal."""
    return "".join(c if c.isprintable() else " " for c in text)


class Style:
    """Colours for a terminal; none for a file, with `NO_COLOR`, or with `TERM=dumb`."""

    def __init__(self) -> None:
        self.is_terminal = sys.stdout is not None and sys.stdout.isatty()
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
