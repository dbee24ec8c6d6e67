"""`python -m vendo` with the options of an application, for `manage.py vendo` and `flask vendo`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import vendo
from vendo.web._clients import ClientOptions

_COLUMNS = ("slug", "status", "display_name", "category", "profile", "connected_at")


class CommandLineError(Exception):
    """`python -m vendo` does not accept its arguments. The text is what it printed."""


def run_vendo(arguments: Iterable[str], options: ClientOptions) -> tuple[str, int]:
    """Run `python -m vendo`, and return what it printed and its exit code, 0 or 1.

    Raises:
        CommandLineError: it ended with another exit code.
    """
    import subprocess

    done = subprocess.run(  # noqa: S603  # this interpreter, and no shell
        [sys.executable, "-m", "vendo", *arguments],
        env={**os.environ, **options.environment()},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode not in {0, 1}:
        raise CommandLineError(done.stderr.strip().removeprefix("error: "))
    return done.stdout.strip(), done.returncode


def connection_rows(connections: Iterable[vendo.Connection]) -> list[dict[str, Any]]:
    """Return connections as JSON-able rows, without what a connection may hold in secret."""
    return [{name: asdict(row)[name] for name in _COLUMNS} for row in _made(connections)]


def connection_lines(connections: Iterable[vendo.Connection]) -> list[str]:
    """Return a line for each connection: its slug and its status."""
    rows = _made(connections)
    width = max((len(row.slug) for row in rows), default=0)
    return [f"{row.slug:<{width}}  {row.status}" for row in rows] or ["Nothing is connected."]


def _made(connections: Iterable[vendo.Connection]) -> list[vendo.Connection]:
    """Leave out the providers that nobody connected: `catalog` lists those."""
    return [row for row in connections if row.status != "available"]
