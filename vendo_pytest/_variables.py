"""Environment variables that are changed for a while."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping


class Variables:
    """Changes to the environment that can be taken back.

    Only what is still as it was left is taken back: a test's `monkeypatch`, which was undone
    before, may have put a variable back already, and knows better than we do what it was.
    """

    def __init__(self) -> None:
        self._before: dict[str, str | None] = {}
        self._ours: dict[str, str | None] = {}

    def set(self, name: str, value: str | None) -> None:
        """Set a variable, or take it out of the environment where the value is None."""
        self._before.setdefault(name, os.environ.get(name))
        self._ours[name] = value
        _put(name, value)

    def update(self, values: Mapping[str, str]) -> None:
        """Set several."""
        for name, value in values.items():
            self.set(name, value)

    @property
    def removed(self) -> dict[str, str]:
        """What was taken out of the environment, with the values it had."""
        return {
            name: before
            for name, before in self._before.items()
            if before is not None and self._ours[name] is None
        }

    def undo(self) -> None:
        """Take everything back."""
        for name, before in self._before.items():
            if os.environ.get(name) == self._ours[name]:
                _put(name, before)
        self._before.clear()
        self._ours.clear()


def _put(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value
