"""What each caller checks: the response is theirs, in time, or the error is a documented one."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import vendo
from hostile.stamps import TOKEN_PREFIX, is_for

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.findings import Findings
    from vendo import Connection, EventStreamMessage

#: Seconds, of the clients.
TIMEOUT = 0.8
#: Seconds by which a call may exceed its time-out on a machine that does nothing else.
MARGIN = 1.0


#: Statuses of responses that are not the last one.
_INTERIM = (100, 102, 103)


class Checks:
    """The checks of all callers of one server."""

    def __init__(self, findings: Findings, way: str) -> None:
        self.findings = findings
        self.way = way
        #: The longest time in seconds for which this process could not run. It is added to the
        #: margin.
        self.stall = 0.0
        self._overdue: list[tuple[str, float]] = []

    @contextmanager
    def attempt(self, what: str, seconds: float = TIMEOUT) -> Iterator[None]:
        """Run a call that has so many seconds: it works, or raises a documented error."""
        begin = time.monotonic()
        outcome = "well"
        try:
            yield
        except Exception as error:  # noqa: BLE001  # each error is judged
            outcome = type(error).__name__
            self.findings.look_into(f"{self.way} {what}", error)
            self._judge(what, error)
        took = time.monotonic() - begin
        self.findings.count(f"{self.way} {what}", outcome, took)
        if took > seconds + MARGIN:
            self._overdue.append((what, took - seconds))

    def _judge(self, what: str, error: Exception) -> None:
        """Blame an error for which the server gave no reason: it sends no whole 401, 403 or 404."""
        if not isinstance(error, vendo.VendoError):
            self.findings.unexpected(f"{self.way} {what}", error)
        elif error.status in _INTERIM:
            self.findings.blame(f"{self.way}: an interim response was taken for the last one")
        elif not isinstance(error, vendo.UpstreamError) and type(error) is not vendo.VendoError:
            kind = type(error).__name__
            self.findings.blame(f"{self.way}: a response that was cut off became {kind}")

    def report_overdue(self) -> None:
        """Blame the calls that took too long, now that the longest stall is known."""
        for what, excess in self._overdue:
            if excess > MARGIN + 2 * self.stall:
                self.findings.blame(f"{self.way} {what} exceeded its time-out by {excess:.0f} s")

    def token(self, text: str | None, slug: str, user: str, key: str) -> None:
        if text is not None:
            self._stamp("a token", text.removeprefix(TOKEN_PREFIX), slug, user, key)

    def row(self, row: Connection | None, user: str, key: str) -> None:
        if row is not None:
            self._stamp("a connection", row.display_name or "", row.slug, user, key)

    def usage(self, usage: dict[str, object], slug: str, user: str, key: str) -> None:
        self._stamp("a usage", str(usage.get("stamp")), slug, user, key)

    def event(self, event: EventStreamMessage, user: str, key: str) -> None:
        self._stamp("an event", str(event.data.get("stamp")), event.slug or "", user, key)

    def _stamp(self, what: str, text: str, slug: str, user: str, key: str) -> None:
        if not is_for(text, slug, user, key):
            self.findings.outcomes[f"{self.way} MIXED UP"] += 1
            kind = "an extra" if "|extra|" in text else "another"
            self.findings.blame(f"{self.way}: {what} of {kind} request came")
