"""A fleet under a virtual clock: the real cache and flows of each process, and no sockets."""

from __future__ import annotations

import heapq
import json
import random
from collections import Counter
from contextlib import ExitStack
from email.utils import formatdate
from itertools import count
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from vendo._protocol import calls, moments
from vendo._protocol.calls import Caller
from vendo._protocol.retry import RetryPolicy
from vendo._protocol.secret import Secret
from vendo._protocol.steps import Pause, Request, Response, Spawn
from vendo._tokens import refresh
from vendo._tokens.cache import TokenCache
from vendo.errors import VendoError
from vendo.testing._state.connections import as_rfc3339

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from contextlib import AbstractContextManager

URL = "https://credentials.example"
KEY = Secret("vendo_sk_" + "f" * 32)
#: Seconds between two calls of a process: each is busy.
GAP = 0.2
#: When the simulation begins, in Unix seconds.
_BEGIN = 1_800_000_000.0


class Fleet:
    """Processes that ask for one token each, again and again, and the service that they ask.

    Args:
        lifetime: of the tokens, in seconds; None for undated ones.
        seed: of all that is random.
    """

    def __init__(self, lifetime: float | None, seed: int = 1) -> None:
        self.now = 0.0
        self.lifetime = lifetime
        self.is_away = False
        #: How many requests the service got in each second: all, and those that no caller waited
        #: for, who had a good token.
        self.requests: Counter[int] = Counter()
        self.unasked: Counter[int] = Counter()
        self._random = random.Random(seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = count()
        self._processes: list[Process] = []

    def clock(self) -> AbstractContextManager[object]:
        """Return a context in which the library reads this fleet's clock."""
        return _patched(lambda: self.now, self._random.random)

    def at(self, moment: float, what: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._number), what))

    def start(self, n: int, within: float) -> None:
        """Start processes within so many seconds."""
        for _ in range(n):
            process = Process(self)
            self._processes.append(process)
            self.at(self.now + self._random.random() * within, process.call)

    def restart(self, within: float) -> None:
        """Replace all processes within so many seconds."""
        for process in self._processes:
            self.at(self.now + self._random.random() * within, process.restart)

    def change(self, spread: float) -> None:
        """Have each process told that its token changed."""
        for process in self._processes:
            process.change(spread)

    def run(self, until: float) -> None:
        while self._events and self._events[0][0] <= until:
            self.now, _, what = heapq.heappop(self._events)
            what()
        self.now = until

    def answer(self, *, is_unasked: bool) -> Response:
        """Respond to a request, and count it."""
        self.requests[int(self.now)] += 1
        self.unasked[int(self.now)] += is_unasked
        if self.is_away:
            return Response(503, {}, b'{"error": "upstream_error"}')
        token: dict[str, Any] = {"access_token": "t", "token_type": "Bearer", "expires_at": None}
        if self.lifetime is not None:
            token["expires_at"] = as_rfc3339(_BEGIN + self.now + self.lifetime)
        date = formatdate(_BEGIN + self.now, usegmt=True)
        return Response(200, {"date": date}, json.dumps(token).encode())

    def sent(self, begin: float, end: float) -> int:
        """Return the number of requests between two moments."""
        return sum(n for second, n in self.requests.items() if begin <= second < end)

    def mean(self, begin: float, end: float) -> float:
        """Return requests a second."""
        return self.sent(begin, end) / (end - begin)

    def peak(self, begin: float, end: float) -> float:
        """Return requests a second in the busiest minute, without those that callers waited for."""
        totals: Counter[int] = Counter()
        for second, n in self.unasked.items():
            if begin <= second < end:
                totals[second // 60] += n
        return max(totals.values(), default=0) / 60

    def random(self) -> float:
        return self._random.random()


class Process:
    """One process, which asks for its token every now and then."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self._begin()

    def _begin(self) -> None:
        self._cache = TokenCache(clock=lambda: self._fleet.now)
        self._key = (URL, KEY, None, "gmail")
        self._turn = 0
        self._is_calling = False

    def restart(self) -> None:
        self._begin()
        self.call()

    def change(self, spread: float) -> None:
        self._cache.refresh(lambda _: True, spread)
        self._plan()

    def call(self) -> None:
        """Ask for the token."""
        if not self._is_calling:
            self._is_calling = True
            self._turn += 1
            self._go_on(self._cache, [refresh.obtain(self._cache, _CALLER, self._key)], None)

    def _go_on(self, cache: TokenCache, flows: list[Generator[Any, Any, Any]], sent: Any) -> None:
        """Drive a flow until it pauses or ends, and the flow that spawned it after that."""
        while flows:
            try:
                step = flows[-1].send(sent)
            except (StopIteration, VendoError):
                flows.pop()
                sent = None
                continue
            sent = None
            if isinstance(step, Request):
                entry = cache._entries.get(self._key)
                is_good = entry is not None and self._fleet.now < entry.wait_from
                sent = self._fleet.answer(is_unasked=is_good)
            elif isinstance(step, Spawn):
                flows.append(step.flow)
            else:  # no caller waits for another one here
                assert isinstance(step, Pause)
                later = self._fleet.now + step.seconds
                self._fleet.at(later, lambda: self._go_on(cache, flows, None))
                return
        if cache is self._cache:
            self._is_calling = False
            self._plan()

    def _plan(self) -> None:
        """Plan the first call that finds the token due. Those before it are served at once."""
        entry = self._cache._entries.get(self._key)
        due = self._fleet.now if entry is None else max(entry.refresh_at, self._fleet.now)
        self._turn += 1
        turn = self._turn

        def call() -> None:
            if turn == self._turn:
                self.call()

        self._fleet.at(due + GAP * self._fleet.random(), call)


_CALLER = Caller(KEY, None, timeout=30.0, retry=RetryPolicy(), api_version="1")


def _patched(now: Callable[[], float], draw: Callable[[], float]) -> AbstractContextManager[object]:
    stack = ExitStack()
    for module in (moments, calls, refresh):
        stack.enter_context(patch.object(module, "elapsed", now))
    stack.enter_context(patch("random.random", draw))
    stack.enter_context(patch("time.time", lambda: _BEGIN + now()))
    return stack


def requests_of_a_day(fleet: Fleet, n: int, *, restarts: int) -> int:
    """Return the requests of `n` processes, which all restart so many times."""
    with fleet.clock():
        fleet.start(n, within=5.0)
        for number in range(restarts):
            fleet.at((number + 1) * 86400 / (restarts + 1), lambda: fleet.restart(within=60.0))
        fleet.run(86400)
    return fleet.sent(0, 86400)
