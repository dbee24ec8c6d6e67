"""Files of other users."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

#: A user that is neither root nor the one of the tests, and another.
MALLORY, TRUDY = 65533, 65532


def chowned(path: Path, owner: int) -> bool:
    """Give a file to a user. Return False if this process may not: root in a container may not."""
    try:
        os.chown(path, owner, -1, follow_symlinks=False)
    except OSError:
        return False
    return True


def give(path: Path, owner: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a file to a user, or let the system report that owner in this process."""
    if chowned(path, owner):
        return
    given = path.lstat()

    def reporting(original: Callable[..., os.stat_result]) -> Callable[..., os.stat_result]:
        def report(*arguments: Any, **options: Any) -> os.stat_result:
            found = original(*arguments, **options)
            fields = list(found)
            if os.path.samestat(found, given):
                fields[stat.ST_UID] = owner
            return os.stat_result(fields)

        return report

    monkeypatch.setattr(os, "fstat", reporting(os.fstat))
    monkeypatch.setattr(os, "stat", reporting(os.stat))
