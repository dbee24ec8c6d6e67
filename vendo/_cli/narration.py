"""How the demonstration tells its story: a shell and an interpreter, with remarks between."""

from __future__ import annotations

import shutil
import textwrap
from typing import TYPE_CHECKING

from vendo._cli import terminal

if TYPE_CHECKING:
    from vendo.errors import VendoError

_INDENT = "   "
#: Columns of text beyond which a line is hard to read.
_WIDEST = 100


class Page:
    """Lines for a person. On a terminal they have colours and are wrapped to its width; elsewhere
    each is one line, whatever its length.
    """

    def __init__(self) -> None:
        self._style = terminal.Style()
        columns = min(shutil.get_terminal_size().columns, _WIDEST) - len(_INDENT)
        self._width = max(columns, 20) if self._style.is_terminal else None

    def title(self, text: str) -> None:
        """Begin a chapter."""
        terminal.write()
        terminal.write(self._style(text, "bold", "cyan"))

    def tell(self, text: str) -> None:
        """Say what happens."""
        self._write(text)

    def moral(self, text: str) -> None:
        """Say what was to be seen."""
        self._write(text, "green")

    def shell(self, line: str) -> None:
        """A line that is typed into a shell. It is never wrapped: a person may copy it."""
        terminal.write(f"{_INDENT}{self._style('$', 'dim')} {self._style(line, 'bold')}")

    def code(self, line: str) -> None:
        """A line that is typed into an interpreter."""
        terminal.write(f"{_INDENT}{self._style('>>>', 'dim')} {self._style(line, 'bold')}")

    def call(self, line: str, result: object) -> None:
        """A line that is typed into an interpreter, and its value."""
        self.code(line)
        terminal.write(f"{_INDENT}{self._style(repr(result), 'yellow')}")

    def failing_call(self, line: str, error: VendoError) -> None:
        """A line that is typed into an interpreter, and what it raises."""
        self.code(line)
        self._write(f"{type(error).__name__}: {error}", "red")

    def _write(self, text: str, *styles: str) -> None:
        lines = [text] if self._width is None else textwrap.wrap(text, self._width)
        for line in lines:
            terminal.write(f"{_INDENT}{self._style(line, *styles)}")
