"""Long runs that are programs of their own: they fork, and count what the process holds."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]


def report_of(module: str, *, seconds: float, seed: int, options: tuple[str, ...] = ()) -> str:
    """Run `python -m MODULE`, which must find nothing wrong, and return what it prints."""
    command = [sys.executable, "-m", module, "--seconds", str(seconds), "--seed", str(seed)]
    done = subprocess.run(
        [*command, *options], cwd=TESTS, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    assert "nothing wrong" in done.stdout
    return done.stdout
