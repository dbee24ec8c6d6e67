"""Checks that the packages of an extra are installed."""

from __future__ import annotations

from importlib.util import find_spec

from vendo.errors import MissingExtra


def require(module: str, extra: str, *, or_else: str | None = None) -> None:
    """Check that `module`, or `or_else` in its place, can be imported.

    Raises:
        MissingExtra: neither is installed.
    """
    if find_spec(module) is None and (or_else is None or find_spec(or_else) is None):
        raise MissingExtra(
            "extra_missing",
            f"{module} is not installed.",
            suggested_fix=f'pip install "vendo-sdk[{extra}]"',
        )
