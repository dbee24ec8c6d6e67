"""Callers in threads, with blocking clients."""

from __future__ import annotations

import threading
from random import Random
from typing import TYPE_CHECKING

from hostile.draws import Draws
from hostile.stamps import SLUGS
from vendo import Vendo

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from hostile.checks import Checks


class ThreadCaller(Draws[Vendo]):
    """One thread, which makes one call after the other."""

    def call(self) -> None:
        """Make one call."""
        calls: list[tuple[int, str, Callable[[], None]]] = [
            (50, "token", self._token),
            (12, "tokens", self._tokens),
            (12, "connections.list", self._rows),
            (8, "connections.get", self._row),
            (16, "usage", self._usage),
        ]
        with self._gate.passed():
            what, call = self._draw(calls)
            with self._checks.attempt(what):
                call()

    def _token(self) -> None:
        slug = self._slug()
        if self._random.random() < 0.8:
            self._client.invalidate(slug)
        self._checks.token(self._client.token(slug), slug, self._user, self._key)

    def _tokens(self) -> None:
        slugs = self._random.sample(SLUGS, self._random.randint(1, 4))
        self._client.invalidate(slugs[0])
        for slug, token in self._client.tokens(slugs).items():
            self._checks.token(token, slug, self._user, self._key)

    def _rows(self) -> None:
        for row in self._client.connections.list():
            self._checks.row(row, self._user, self._key)

    def _row(self) -> None:
        self._checks.row(self._client.connections.get(SLUGS[0]), self._user, self._key)

    def _usage(self) -> None:
        self._checks.usage(self._client.billing.usage(), SLUGS[0], self._user, self._key)


class ThreadSubscriber:
    """One thread that reads event streams, and closes them from a second thread."""

    def __init__(self, seed: str, checks: Checks, roots: Mapping[str, Vendo]) -> None:
        self._random = Random(seed)
        self._checks = checks
        self._roots = roots

    def call(self) -> None:
        """Read a stream for a moment."""
        key, root = self._random.choice(list(self._roots.items()))
        seconds = self._random.random() * 2
        with self._checks.attempt("events", seconds), root.events.subscribe(0.05) as events:
            is_closed = threading.Event()

            def close() -> None:
                is_closed.set()
                events.close()

            timer = threading.Timer(seconds, close)
            timer.start()
            try:
                for event in events:
                    self._checks.event(event, "nobody", key)
                if not is_closed.is_set():
                    self._checks.findings.blame("A stream of events ended by itself")
            finally:
                timer.cancel()
                timer.join()
