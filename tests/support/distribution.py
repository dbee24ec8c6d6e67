"""The wheel and the source distribution of this project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).parents[2]


def distribution(folder: Path) -> Path:
    """Return a folder that has both.

    They are built from the checkout into the given folder. But where the tests run apart from the
    packages, `VENDO_TEST_DIST` names the folder.

    Raises:
        AssertionError: the build failed.
    """
    given = os.environ.get("VENDO_TEST_DIST")
    if given:
        return Path(given)
    assert (_ROOT / "vendo").is_dir(), "the packages are not here: set VENDO_TEST_DIST"
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(folder)],
        cwd=_ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder
