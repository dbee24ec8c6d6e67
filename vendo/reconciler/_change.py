"""A change of an env file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """The names of the variables of an env file that changed. It has no values.

    Attributes:
        env_file: the file.
        added: the new variables.
        changed: the variables with another value.
        removed: the variables that are gone.
    """

    env_file: Path
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return False if nothing changed."""
        return bool(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """All of these variables."""
        return (*self.added, *self.changed, *self.removed)
