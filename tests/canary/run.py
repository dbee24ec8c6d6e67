"""What the programs have in common: a search around each call, and a report as JSON."""

from __future__ import annotations

import contextlib
import json
import sys
from typing import TYPE_CHECKING

import vendo
from canary.search import MARKER, Search
from vendo._protocol.moments import elapsed
from vendo._tokens.cache import shared

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Outcomes:
    """The outcome of each call: the name of an error's class, or "NoneType"."""

    def __init__(self, search: Search, mode: str) -> None:
        self.search = search
        self.mode = mode
        self.by_call: dict[str, str] = {}
        self._watching: Callable[[Search], contextlib.AbstractContextManager[None]]
        if mode == "sentry":
            from canary.reporters import Sentry

            self._watching = Sentry().watching
        elif mode == "vcr":
            from canary.reporters import recording

            self._watching = recording
        else:
            self._watching = lambda _: contextlib.nullcontext()

    @contextlib.contextmanager
    def of(self, call: str) -> Iterator[Search]:
        """Search what a call shows."""
        self.search.at(call)
        try:
            with self._watching(self.search):
                yield self.search
            self.by_call[call] = "NoneType"
        except Exception as error:  # noqa: BLE001  # any error is searched
            self.by_call[call] = type(error).__name__
            self.search.error("the error", error)


def wait_a_minute() -> None:
    """Move the clock of the token cache, and go on calling."""
    shared._clock = lambda: elapsed() + 61.0
    with vendo.Vendo(timeout=5) as client, contextlib.suppress(vendo.VendoError):
        client.connections.list()


def main(run: Callable[[str, dict[str, str], Outcomes], None]) -> None:
    """Run the calls of a way, and print what was found."""
    way, mode = sys.argv[1:]
    urls = json.load(sys.stdin)
    with Search() as search:
        outcomes = Outcomes(search, mode)
        run(way, urls, outcomes)
        if mode != "vcr":
            # The key itself is in the environment; for recordings, tokens are too.
            search.at("a minute after the close").memory("memory", f"{MARKER}-")
    report = {"found": search.found, "records": search.records, "outcomes": outcomes.by_call}
    sys.stdout.write(json.dumps(report))
