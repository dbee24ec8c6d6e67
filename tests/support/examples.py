"""The applications in `examples/`, each started with its one command."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path(__file__).parents[2] / "examples"
NAMES = sorted(path.parent.name for path in FOLDER.glob("*/run.py"))


@contextmanager
def running(name: str) -> Iterator[str]:
    """Run an example at the address that is yielded, and stop it as with Ctrl-C.

    Raises:
        AssertionError: it did not start, or ended with an error.
    """
    with subprocess.Popen(
        [sys.executable, "-W", "error", "run.py", "--port", "0"],
        cwd=FOLDER / name,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout
        printed = ""
        try:
            for line in process.stdout:
                printed += line
                if found := re.search(r"http://127\.0\.0\.1:\d+/", line):
                    yield found[0]
                    break
            else:
                raise AssertionError(printed)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                rest, _ = process.communicate(timeout=30)
            finally:
                process.kill()
    assert "Traceback" not in printed + rest, printed + rest
    assert process.returncode == 0, printed + rest
