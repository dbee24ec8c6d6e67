"""Run the programs in `examples/` to their end, as from a shell."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from support.children import Child
from support.examples import FOLDER

if TYPE_CHECKING:
    from collections.abc import Mapping

#: A program that runs another one without a package.
WITHOUT = """
import runpy
import sys


class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == {package!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)


sys.meta_path.insert(0, Missing())
sys.argv = ["{script}"]
runpy.run_path("{script}", run_name="__main__")
"""

#: A program that runs another one, which may not have the port that it wants.
WITHOUT_RIGHTS = """
import errno
import runpy
import sys


def check(event, arguments):
    if event == "socket.bind" and arguments[1][1] == 80:
        raise PermissionError(errno.EACCES, "Permission denied")


sys.addaudithook(check)
sys.argv = ["run.py", "--port", "80"]
runpy.run_path("run.py", run_name="__main__")
"""


def ended(
    name: str, *arguments: str, variables: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run Python in an example's folder, without credentials except `variables`.

    Raises:
        AssertionError: it printed a traceback, or something that it started still runs.
    """
    kept = {
        key: value for key, value in os.environ.items() if not key.startswith(("VENDO_", "OPENAI_"))
    }
    with Child(
        [sys.executable, "-W", "error", *arguments],
        cwd=FOLDER / name,
        env={**kept, **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        printed, errors = process.communicate(timeout=120)
    assert "Traceback" not in errors, errors
    try:
        os.killpg(process.pid, 0)
    except ProcessLookupError:
        return subprocess.CompletedProcess(arguments, process.returncode, printed, errors)
    raise AssertionError("a process that it started still runs")
