"""The output of commands: results, errors, JSON."""

from __future__ import annotations

import sys

from vendo._reports.stdout import discard_output as discard
from vendo._reports.stdout import output_failure, write_token
from vendo._reports.stdout import write_text as write
from vendo._reports.tables import printable
from vendo.errors import NeedsReauth, NotConnected

__all__ = [
    "discard",
    "flush",
    "notify",
    "output_failure",
    "report_error",
    "report_failure",
    "write",
    "write_json",
    "write_token",
]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from vendo.errors import VendoError


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
