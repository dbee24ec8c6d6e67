"""Programs that a page starts: to their end, or until they are told to stop."""

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

#: A whole manual runs in a minute; what takes longer waits for something that does not come.
SECONDS = 60.0
#: How often Ctrl-C is pressed in that time.
SENDINGS = 6


def matches(printed: str, expected: Sequence[str]) -> bool:
    """Whether a text is these lines; `...` is anything in a line, or on its own any lines."""
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
    """A process with its children in a group of its own, and what they print as they print it."""

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
        """What it has printed so far."""
        with self._changed:
            return "".join(self._lines)

    def wait(self) -> int:
        """Its exit status, once it has ended by itself.

        Raises:
            AssertionError: it goes on and on.
        """
        with self._changed:
            ended = self._changed.wait_for(lambda: not self._open, SECONDS)
        if not ended:
            self._end(signal.SIGKILL)
        assert ended, f"it does not end:\n{self.printed}"
        return self._end(None)

    def wait_for(self, expected: Sequence[str]) -> None:
        """Wait until it has printed these lines, or anything where none are given.

        Raises:
            AssertionError: that does not come.
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
        """Press Ctrl-C. Returns the exit status."""
        return self._end(signal.SIGINT)

    def _end(self, number: signal.Signals | None) -> int:
        try:
            # A shell that is about to start a command may miss a signal, as it may on a terminal.
            for _ in range(SENDINGS if number else 1):
                if number is not None and self._process.poll() is None:
                    os.killpg(self._process.pid, number)
                with suppress(subprocess.TimeoutExpired):
                    return self._process.wait(SECONDS / SENDINGS)
            raise AssertionError(f"it does not end:\n{self.printed}")
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
