"""What went wrong in a run, and how often each allowed outcome occurred."""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
import warnings
from collections import Counter
from typing import TYPE_CHECKING

from support.shown import texts_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Any, Self

#: Every secret of a run matches this, and nothing else does.
SECRET = re.compile(r"canary|local_[a-z0-9]+_[0-9a-f]{32}|whsec_[\w-]{8}", re.IGNORECASE)
#: The parts that differ between two occurrences of the same finding.
_CHANCE = re.compile(r"0x[0-9a-f]+|127\.0\.0\.1:\d+|'\d+\.\d+'")
_MOST_REPORTED = 20


class Findings:
    """Filled by every thread and task of a run. As a context manager it watches logs, warnings
    and lost errors.
    """

    def __init__(self) -> None:
        self.wrong: Counter[str] = Counter()
        self.outcomes: Counter[str] = Counter()
        #: Seconds of the longest of each kind of call.
        self.longest: dict[str, float] = {}
        self.records = 0
        #: Held during a fork, so that the child finds it free from the first moment on.
        self.lock = threading.RLock()

    def blame(self, what: str) -> None:
        """Record something that must not happen. Equal findings are listed once, and counted."""
        what = _CHANCE.sub("…", what)
        with self.lock:
            if what in self.wrong or len(self.wrong) < _MOST_REPORTED:
                self.wrong[what] += 1
            else:
                self.wrong["and others"] += 1

    def count(self, what: str, outcome: str, seconds: float = 0.0) -> None:
        """Record an allowed outcome of a call and its duration."""
        with self.lock:
            self.outcomes[f"{what}: {outcome}"] += 1
            self.longest[what] = max(self.longest.get(what, 0.0), seconds)

    def report_of_calls(self) -> Iterator[str]:
        """Return the lines of a report on the calls."""
        for outcome, times in sorted(self.outcomes.items()):
            yield f"{times:8} {outcome}"
        yield f"{sum(self.outcomes.values()):8} calls"
        longest = sorted(self.longest.items(), key=lambda kind: -kind[1])
        yield "longest: " + ", ".join(f"{what} {seconds:.1f} s" for what, seconds in longest)

    def report_of_faults(self) -> Iterator[str]:
        """Return the lines of a report on what must not happen."""
        for what, times in self.wrong.items():
            yield f"WRONG, {times} times: {what}"
        if not self.wrong:
            yield "nothing wrong"

    def unexpected(self, where: str, error: BaseException) -> None:
        """Record an error of an undocumented type."""
        trace = "".join(traceback.format_exception(error))
        self.blame(f"{where} raised {type(error).__name__}:\n{SECRET.sub('<secret>', trace)}")

    def look_into(self, where: str, error: BaseException) -> None:
        """Look for a secret in every text of an error and its chain."""
        for text in texts_of(error):
            self.look_at(f"{where}, {type(error).__name__}", text)

    def look_at(self, where: str, text: str) -> None:
        """Look for a secret in a text."""
        found = SECRET.search(text)
        if found:
            around = text[max(found.start() - 200, 0) : found.end() + 100]
            self.blame(f"A secret shows in {where}: {SECRET.sub('<secret>', around)}")

    # Reports, and lost errors

    def __enter__(self) -> Self:
        self._log = _Log(self)
        self._root = logging.getLogger()
        self._before = (self._root.level, threading.excepthook, sys.unraisablehook)
        self._root.addHandler(self._log)
        self._root.setLevel(logging.DEBUG)
        threading.excepthook = self._thread_died
        sys.unraisablehook = self._unraisable
        self._warnings = warnings.catch_warnings()
        self._warnings.__enter__()
        warnings.simplefilter("always")
        # A part of the run forks while threads run.
        warnings.filterwarnings("ignore", ".*multi-threaded.*fork", DeprecationWarning)
        warnings.showwarning = self._warned
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._warnings.__exit__(None, None, None)
        self._root.removeHandler(self._log)
        level, threading.excepthook, sys.unraisablehook = self._before
        self._root.setLevel(level)

    def loop_complained(self, _loop: object, context: dict[str, Any]) -> None:
        """For `set_exception_handler` of an event loop."""
        error = context.get("exception")
        trace = "".join(traceback.format_exception(error)) if error is not None else ""
        self.blame(f"The event loop reports: {context['message']}\n{SECRET.sub('<secret>', trace)}")

    def _thread_died(self, died: threading.ExceptHookArgs) -> None:
        if died.exc_value is not None:
            self.unexpected(f"The thread {died.thread and died.thread.name}", died.exc_value)

    def _unraisable(self, lost: sys.UnraisableHookArgs) -> None:
        if lost.exc_value is not None:
            self.unexpected(f"Unraisable, {lost.err_msg} {lost.object!r},", lost.exc_value)

    def _warned(self, message: Warning | str, *_: object, **__: object) -> None:
        if _LEFT_BY_SSL.fullmatch(str(message)):
            return
        self.blame(f"{type(message).__name__}: {SECRET.sub('<secret>', str(message))}")


#: CPython 3.11 itself leaves a socket open that the server resets before the TLS handshake. It has
#: no remote address any more.
_LEFT_BY_SSL = re.compile(r"unclosed <ssl\.SSLSocket [^>]*laddr=\('127\.0\.0\.1', \d+\)>")


class _Log(logging.Handler):
    """Check each record of each library, and keep none."""

    def __init__(self, findings: Findings) -> None:
        super().__init__(logging.DEBUG)
        self._findings = findings
        self.setFormatter(logging.Formatter("%(name)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        self._findings.records += 1
        self._findings.look_at(f"the log of {record.name}", f"{self.format(record)} {record.args}")
