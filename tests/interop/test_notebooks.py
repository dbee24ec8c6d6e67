"""A notebook gets a token and a session, with and without `await`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from interop.conftest import Mode

PROGRAMS = Path(__file__).parent / "programs"


@pytest.mark.slow
def test_kernel_of_jupyter_runs_both_clients(mode: Mode, tmp_path: Path) -> None:
    shown = mode.python(
        PROGRAMS / "notebook.py", folder=tmp_path, HOME=str(tmp_path), IPYTHONDIR=str(tmp_path)
    )
    assert shown == [mode.found, mode.found, ["github", mode.found, mode.found]]
