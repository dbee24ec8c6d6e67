"""Standard output of commands: text that any encoding can show, and failures to write it."""

from __future__ import annotations

import errno
import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from io import TextIOWrapper


def write_text(text: str = "") -> None:
    """Print a result. It is flushed, for programs that read line by line.

    Raises:
        OSError: it cannot be written, as on a full disk.
    """
    stdout = _stdout()
    stdout.write(encodable(text, stdout.encoding) + "\n")
    stdout.flush()


def encodable(text: str, encoding: str | None) -> str:
    """Return a text with escapes for the letters that an encoding lacks; None is ASCII.

    It may also hold halves of surrogate pairs, which no encoding has.
    """
    encoding = encoding or "ascii"
    return text.encode(encoding, "backslashreplace").decode(encoding)


def write_token(token: str) -> None:
    """Print a token with the bytes that it has in the environment, whatever the locale.

    Raises:
        OSError: it cannot be written.
    """
    stdout = _stdout()
    stdout.flush()
    stdout.buffer.write(os.fsencode(token) + b"\n")
    stdout.buffer.flush()


def discard_output() -> None:
    """Discard the rest of the output: the interpreter would fail to flush it at exit."""
    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)
    except (OSError, ValueError, AttributeError):
        pass  # standard output is not a file


def output_failure(error: OSError) -> str:
    """Return why it cannot be written, as a sentence."""
    return f"{error.strerror or type(error).__name__}".rstrip(".") + "."


def _stdout() -> TextIOWrapper:
    # None where the parent process has closed it.
    if sys.stdout is None:
        raise OSError(errno.EBADF, "Standard output is closed")
    stdout: TextIOWrapper = sys.stdout  # type: ignore[assignment]  # typeshed allows for any TextIO
    return stdout
