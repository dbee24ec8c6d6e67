"""Run `python -m vendo` as a process of its own, the way a user or a script starts it."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
from contextlib import contextmanager
from threading import Timer
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any

#: Seconds. Enough for any command on a busy machine.
SECONDS = 60.0

LINE = [sys.executable, "-X", "dev", "-W", "error", "-m", "vendo"]


class Shell:
    """A working directory and an environment to run commands in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.env: dict[str, str] = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            "NO_PROXY": "127.0.0.1",
            "PYTHONPATH": os.environ.get("PYTHONPATH", ""),
            # So that coverage measures the command too.
            **{k: v for k, v in os.environ.items() if k.startswith("COVERAGE_")},
        }

    def hide(self, *modules: str) -> None:
        """Make these modules fail to import."""
        hidden = self.folder / "hidden"
        hidden.mkdir()
        lines = [f"sys.modules[{module!r}] = None" for module in modules]
        (hidden / "sitecustomize.py").write_text("\n".join(["import sys", *lines]))
        self.env["PYTHONPATH"] = os.pathsep.join([str(hidden), self.env["PYTHONPATH"]])

    def vendo(self, *arguments: str, **options: Any) -> subprocess.CompletedProcess[Any]:
        """Run a command to its end."""
        return subprocess.run(
            [*LINE, *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
            timeout=SECONDS,
        )

    @contextmanager
    def start(self, *arguments: str, **options: Any) -> Iterator[subprocess.Popen[str]]:
        """Start a command that runs until it is stopped. It is killed if that takes too long."""
        with subprocess.Popen(
            [*LINE, *arguments],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, **options},
        ) as process:
            overdue = Timer(SECONDS, process.kill)
            overdue.start()
            try:
                yield process
            finally:
                overdue.cancel()
                process.kill()

    def on_a_terminal(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run a command in a terminal of 80 columns. Return its status and output."""
        ours, theirs = pty.openpty()
        try:
            with subprocess.Popen(
                [*LINE, *arguments],
                cwd=self.folder,
                env={**self.env, "TERM": "xterm", "COLUMNS": "80", **variables},
                stdin=theirs,
                stdout=theirs,
                stderr=theirs,
            ) as process:
                os.close(theirs)
                shown = b"".join(iter(lambda: _read(ours), b""))
                return process.wait(SECONDS), shown.decode().replace("\r\n", "\n")
        finally:
            os.close(ours)


def read_until(process: subprocess.Popen[str], pattern: str) -> str:
    """Return what the command prints, up to the first line that matches.

    Raises:
        AssertionError: the command ends before.
    """
    assert process.stdout
    text = ""
    for line in iter(process.stdout.readline, ""):
        text += line
        if re.search(pattern, line):
            return text
    _, error = process.communicate()
    raise AssertionError(f"{text}\n{error}\nIt ended with {process.returncode}.")


def stop(process: subprocess.Popen[str], number: int = signal.SIGINT) -> tuple[int, str, str]:
    """Send a signal. Return the exit status and the rest of stdout and stderr."""
    process.send_signal(number)
    out, err = process.communicate(timeout=SECONDS)
    return process.returncode, out, err


def problems(text: str) -> Mapping[str, str]:
    """Return each `error:` or `problem:` line with the `fix:` line that follows it."""
    lines = text.splitlines()
    return {
        line.partition(": ")[2]: after.partition("fix: ")[2]
        for line, after in zip(lines, [*lines[1:], ""], strict=True)
        if line.startswith(("error: ", "problem: "))
    }


def _read(terminal: int) -> bytes:
    if not select.select([terminal], [], [], SECONDS)[0]:
        return b""
    try:
        return os.read(terminal, 65_536)
    except OSError:
        return b""  # how Linux signals the end
