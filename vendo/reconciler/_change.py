"""A change of an env file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Change:
    """Hold the names of the variables of an env file that changed. It has no values.

    Attributes:
        env_file: the file.
        added: the new variables.
        changed: the variables with another value.
        removed: the variables that are gone.

    Example:
        ```python
        from vendo import reconciler


        def log(change: reconciler.Change) -> None:
            print(change.env_file, change.names)


        reconciler.bootstrap(
            env_file=".env", mapping={"MAIL_TOKEN": "gmail"}, on_change=log
        )
        ```
    """

    env_file: Path
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether anything changed.

        Returns:
            False if there are no names.

        Example:
            ```python
            from pathlib import Path

            from vendo import reconciler

            assert not reconciler.Change(Path(".env"))
            ```
        """
        return bool(self.names)

    @property
    def names(self) -> tuple[str, ...]:
        """All of these variables."""
        return (*self.added, *self.changed, *self.removed)
