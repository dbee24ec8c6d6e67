"""Environment variables that are set for a while."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Variables:
    """Changes to the environment that can be undone.

    A variable with another value is left alone: the test's `monkeypatch`, which is undone first,
    may have restored it already.
    """

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}
        self._ours: dict[str, str | None] = {}

    def set(self, name: str, value: str | None) -> None:
        """Set a variable, or remove it if the value is None."""
        self._before.setdefault(name, os.environ.get(name))
        self._ours[name] = value
        put(name, value)

    def update(self, values: Mapping[str, str | None]) -> None:
        """Set several variables."""
        for name, value in values.items():
            self.set(name, value)

    @property
    def removed(self) -> dict[str, str]:
        """The removed variables with their values."""
        return {
            name: before
            for name, before in self._before.items()
            if before is not None and self._ours[name] is None
        }

    def undo(self) -> None:
        """Undo all changes."""
        for name, before in self._before.items():
            if os.environ.get(name) == self._ours[name]:
                put(name, before)
        self._before.clear()
        self._ours.clear()


def put(name: str, value: str | None) -> None:
    """Set a variable, or remove it if the value is None."""
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
