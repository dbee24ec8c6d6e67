"""The transcript of `demo`: lines of a shell and of an interpreter, with remarks in between."""

from __future__ import annotations

import shutil
import sys
import textwrap

from vendo._cli import output
from vendo._reports.tables import Style

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.errors import VendoError

_INDENT = "   "
#: Columns. Longer lines are hard to read.
_MAX_WIDTH = 100


class Transcript:
    """Prints the demo: in colours and wrapped for a terminal, one line a remark for a file."""

    def __init__(self) -> None:
        self._style = Style(sys.stdout)
        columns = min(shutil.get_terminal_size().columns, _MAX_WIDTH) - len(_INDENT)
        self._width = max(columns, 20) if self._style.is_terminal else None

    def title(self, text: str) -> None:
        """Begin a chapter."""
        output.write()
        output.write(self._style(text, "bold", "cyan"))

    def remark(self, text: str) -> None:
        """Print what happens next."""
        self._write(text)

    def summary(self, text: str) -> None:
        """Print what the chapter has shown."""
        self._write(text, "green")

    def shell(self, line: str) -> None:
        """Print a line of a shell. It is never wrapped, so that it can be copied."""
        output.write(f"{_INDENT}{self._style('$', 'dim')} {self._style(line, 'bold')}")

    def code(self, line: str) -> None:
        """Print a line of an interpreter."""
        output.write(f"{_INDENT}{self._style('>>>', 'dim')} {self._style(line, 'bold')}")

    def call(self, line: str, result: object) -> None:
        """Print a line of an interpreter, and its value."""
        self.code(line)
        output.write(f"{_INDENT}{self._style(repr(result), 'yellow')}")

    def failing_call(self, line: str, error: VendoError) -> None:
        """Print a line of an interpreter, and the error that it raises."""
        self.code(line)
        self._write(f"{type(error).__name__}: {error}", "red")

    def _write(self, text: str, *styles: str) -> None:
        lines = [text] if self._width is None else textwrap.wrap(text, self._width)
        for line in lines:
            output.write(f"{_INDENT}{self._style(line, *styles)}")
