"""Programs that a page starts: run to their end, or until interrupted."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import suppress
from threading import Condition, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

#: The timeout of one program, in seconds. The whole manual takes a minute.
SECONDS = 60.0
#: How often Ctrl-C is sent in that time.
SENDINGS = 6


def matches(printed: str, expected: Sequence[str]) -> bool:
    """Return whether a text is these lines. `...` matches anything in a line, alone any lines."""
    pattern = "".join(
        r"(?:.*\n)*?"
        if line.strip() == "..."
        else ".*?".join(map(re.escape, line.rstrip().split("..."))) + r"\n"
        for line in _without_blank_ends(expected)
    )
    text = "".join(f"{line.rstrip()}\n" for line in _without_blank_ends(printed.splitlines()))
    return re.fullmatch(pattern, text) is not None


def _without_blank_ends(lines: Sequence[str]) -> list[str]:
    kept = list(lines)
    while kept and not kept[-1].strip():
        kept.pop()
    while kept and not kept[0].strip():
        kept.pop(0)
    return kept


class Program:
    """A process in its own process group, and its output while it runs."""

    def __init__(
        self, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._lines: list[str] = []
        self._changed = Condition()
        self._open = True
        self._thread = Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def printed(self) -> str:
        """The output so far."""
        with self._changed:
            return "".join(self._lines)

    def wait(self) -> int:
        """Wait until it ends, and return its exit status.

        Raises:
            AssertionError: it does not end in time.
        """
        with self._changed:
            ended = self._changed.wait_for(lambda: not self._open, SECONDS)
        if not ended:
            self._end(signal.SIGKILL)
        assert ended, f"the program does not end:\n{self.printed}"
        return self._end(None)

    def wait_for(self, expected: Sequence[str]) -> None:
        """Wait until it has printed these lines, or anything if none are given.

        Raises:
            AssertionError: it does not print them in time.
        """

        def arrived() -> bool:
            if expected:
                return matches("".join(self._lines), expected)
            return bool(self._lines)

        with self._changed:
            self._changed.wait_for(lambda: arrived() or not self._open, SECONDS)
            there = arrived()
        if not there:
            self._end(signal.SIGKILL)
        assert there, self.printed

    def interrupt(self) -> int:
        """Send Ctrl-C, and return the exit status."""
        return self._end(signal.SIGINT)

    def _end(self, number: signal.Signals | None) -> int:
        try:
            # A shell that is starting a command may miss a signal: repeat it.
            for _ in range(SENDINGS if number else 1):
                if number is not None and self._process.poll() is None:
                    os.killpg(self._process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    return self._process.wait(SECONDS / SENDINGS)
            raise AssertionError(f"the program does not end:\n{self.printed}")
        finally:
            if self._process.poll() is None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._thread.join(SECONDS)
            assert self._process.stdout
            self._process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            with self._changed:
                self._lines.append(line)
                self._changed.notify_all()
        with self._changed:
            self._open = False
            self._changed.notify_all()
