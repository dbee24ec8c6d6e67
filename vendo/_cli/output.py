"""The output of commands: results, errors, JSON."""

from __future__ import annotations

import errno
import os
import sys

from vendo._reports.tables import printable
from vendo.errors import NeedsReauth, NotConnected

TYPE_CHECKING = False
if TYPE_CHECKING:
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
