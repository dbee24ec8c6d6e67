"""The process's token cache: deadlines, single flight, bounds. It does no I/O.

One cache serves blocking and asyncio code. A caller without a usable token makes a *claim*: it gets
a token, leads a fetch, or waits for the fetch of another caller (`flights`).
"""

from __future__ import annotations

import time
from _thread import RLock, get_ident

from vendo._protocol.moments import elapsed
from vendo._tokens.entry import Entry
from vendo._tokens.flights import Claim, Flight
from vendo._transports.fork import notice, on_fork

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from vendo._protocol.moments import Moment
    from vendo._tokens.flights import CacheKey
    from vendo.errors import VendoError

    #: The first part of a key: what a client, or a client of a user, has in the cache.
    Scope: TypeAlias = tuple[str | None, ...]


#: Seconds until the next attempt after a failed refresh of a token that is still good.
FIRST_BACKOFF = 1.0
LONGEST_BACKOFF = 240.0
#: Seconds after its time-out at which a fetch counts as lost, and another caller leads. Its leader
#: ended in a way that cannot be caught, such as an interrupt between two instructions.
OVERDUE_SECONDS = 5.0

DEFAULT_CAPACITY = 10_000

#: Seconds between two sweeps, which drop the tokens that no caller needs any more.
SWEEP_SECONDS = 15.0
#: Seconds for which tokens of a closed client are kept, for another client of the same key.
RETIRED_SECONDS = 30.0


class _Changes:
    """The lock of the cache. A signal handler of the thread that holds it may enter it again.

    The outcome of entering is True for such a handler.
    """

    def __init__(self) -> None:
        self._lock = RLock()
        self._depths: dict[int, int] = {}

    def __enter__(self) -> bool:
        # Counted before the lock is taken: a handler may run between the two.
        thread = get_ident()
        depth = self._depths[thread] = self._depths.get(thread, 0) + 1
        self._lock.acquire()
        return depth > 1

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        thread = get_ident()
        depth = self._depths.pop(thread) - 1
        if depth:
            self._depths[thread] = depth


class TokenCache:
    """Tokens by key; the least recently used go first. Safe to share by threads and tasks."""

    def __init__(
        self,
        capacity: int = DEFAULT_CAPACITY,
        clock: Callable[[], float] = elapsed,
    ) -> None:
        self._capacity = capacity
        self._clock = clock
        self._entries: dict[CacheKey, Entry] = {}
        #: When clients closed, or a key was replaced, by scope.
        self._retired: dict[Scope, float] = {}
        #: Called with the key of each claim.
        self.on_claim: Callable[[CacheKey], None] | None = None
        #: Called with the key of each rejected token that Vendo has replaced.
        self.on_replace: Callable[[CacheKey], None] | None = None
        self._plan_sweep()
        self._after_fork()
        on_fork(self, TokenCache._after_fork)

    def _after_fork(self) -> None:
        # The tokens stay good. A lock or a flight of the parent's threads would never end.
        self._changes = _Changes()
        self._flights: dict[CacheKey, Flight] = {}

    def __repr__(self) -> str:
        return f"<TokenCache, {len(self._entries)} tokens>"

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, key: CacheKey) -> str | None:
        """Return the token if no refresh is due. It takes no lock: this is the hot path."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        now = self._clock()
        check_at = entry.check_at
        if now >= check_at or time.time() - entry.wall_offset >= check_at:
            return None
        entry.used_at = now
        return entry.token

    def _now(self, entry: Entry | None) -> float:
        """Return the time for the deadlines of a token."""
        now = self._clock()
        return now if entry is None else max(now, time.time() - entry.wall_offset)

    def claim(
        self,
        key: CacheKey,
        within: float = 30.0,
        lost: Flight | None = None,
        rejected: str | None = None,
    ) -> str | Claim:
        """Return a token that may be used now, or a claim.

        Args:
            key: the key.
            within: seconds within which a leader ends its flight.
            lost: an abandoned flight that this caller waited for.
            rejected: a token that the provider rejected: this caller waits for another one.
        """
        notice()
        if self.on_claim is not None:
            self.on_claim(key)
        self.sweep()
        with self._changes as is_handler:
            entry = self._entries.get(key)
            now = self._now(entry)
            if entry is not None:
                entry.used_at = self._clock()
                if now < entry.refresh_at:
                    entry.check_at = min(entry.refresh_at, now + self._sweep_at - entry.used_at)
                    return entry.token
            good = entry if entry is not None and now < entry.expires_at else None
            former = flight = self._flights.get(key)
            overdue_at = self._clock() + within + OVERDUE_SECONDS
            if is_handler:
                # It interrupts a change of this cache: another leader could not end its flight.
                return Claim(Flight(key, good, overdue_at, is_alone=True), lead=True)
            if flight is None or flight is lost or self._clock() >= flight.overdue_at:
                flight = self._flights[key] = Flight(key, good, overdue_at)
                claim = Claim(flight, lead=True)
            elif good is not None and (
                (now < good.wait_from and good.token != rejected) or good.failures
            ):
                # In an outage, no caller waits for another failure while the token is good.
                return good.token
            else:
                flight.awaited()
                if self._flights.get(key) is not flight:
                    flight.wake()  # a signal handler has just taken it off the table
                return Claim(flight, lead=False)
        if former is not None:
            former.wake()
        return claim

    def land(self, flight: Flight, token: str, lifetime: float | None, requested: Moment) -> None:
        """End a flight with a token that lives `lifetime` seconds from `requested`.

        The token of an abandoned flight is not kept, nor one that was rejected meanwhile.
        """
        if flight.is_alone:
            flight.token = token
            return
        has_replaced = False
        with self._changes:
            if self._flights.get(flight.key) is not flight:
                return
            if lifetime is None or lifetime > 0:
                former = self._entries.get(flight.key)
                entry = self._entries[flight.key] = Entry(token, lifetime, requested)
                entry.used_at = self._clock()  # not the time of the request
                if former is not None:
                    entry.follow(former, entry.used_at)
                    has_replaced = former.is_rejected and former.token != token
                if token == flight.rejected:
                    entry.trusted_until = entry.used_at
                    entry.reject(entry.used_at)
                entry.check_at = min(entry.refresh_at, self._sweep_at)
                if flight.refresh_between is not None:
                    entry.refresh_soon(entry.used_at, flight.refresh_between)
                self._make_room()
            else:
                self._entries.pop(flight.key, None)
            if not self._take_off(flight):
                self._entries.pop(flight.key, None)
                return
            flight.token = None if token == flight.rejected else token
        flight.wake()
        if has_replaced and self.on_replace is not None:
            self.on_replace(flight.key)

    def _take_off(self, flight: Flight) -> bool:
        """Remove a flight from the table. False if a signal handler was faster."""
        if self._flights.get(flight.key) is not flight:
            return False
        return self._flights.pop(flight.key, None) is flight

    def fail(self, flight: Flight, error: VendoError, *, transient: bool) -> bool:
        """End a flight with an error. Return True if the older token is used instead.

        A transient error leaves a good token in place and delays the next attempt, at least by its
        `retry_after`. Any other error drops the token. A token that was dropped during the flight
        stays dropped.
        """
        if flight.is_alone:
            flight.error = error
            return False
        with self._changes:
            if not self._take_off(flight):
                return False
            entry = self._entries.get(flight.key)
            now = self._now(entry)
            served = False
            if transient and entry is not None and now < entry.expires_at:
                entry.failures += 1
                backoff = min(LONGEST_BACKOFF, FIRST_BACKOFF * 8.0 ** min(entry.failures - 1, 16))
                pause = max(backoff, error.retry_after or 0.0)
                entry.refresh_at = entry.check_at = min(now + pause, entry.expires_at)
                if entry.is_accepted:
                    entry.trust(self._clock(), backoff, error.retry_after)
                flight.token = entry.token
                served = True
            else:
                self._entries.pop(flight.key, None)
                flight.error = error
        flight.wake()
        return served

    def abandon(self, flight: Flight, *, drop: bool = False) -> None:
        """End a flight without a result; the waiting callers claim again.

        With `drop` the older token goes too: the backend does not issue it any more.
        """
        if self._flights.get(flight.key) is not flight:
            return  # it has ended
        with self._changes:
            if not self._take_off(flight):
                return
            if drop:
                self._entries.pop(flight.key, None)
        flight.wake()

    def reject(self, key: CacheKey, token: str) -> None:
        """Have a token fetched again that the provider rejected.

        It has no effect if a newer one has replaced it, or if the backend has just returned it
        again: then the rejection has another reason, such as a missing permission.
        """
        with self._changes:
            entry, flight = self._entries.get(key), self._flights.get(key)
            is_known = entry is not None and entry.token == token and entry.is_rejected
            if flight is not None and not is_known:
                flight.rejected = token
            if entry is not None and entry.token == token:
                entry.reject(self._clock())  # a wall clock that is set back delays no fetch

    def accept(self, key: CacheKey, token: str) -> None:
        """Note that the provider accepted a token."""
        entry = self._entries.get(key)
        if entry is not None and entry.token == token:
            entry.is_accepted = True

    def invalidate(self, matches: Callable[[CacheKey], bool], before: float = float("inf")) -> None:
        """Drop the tokens whose key matches, and abandon their flights.

        Args:
            matches: whether a key is meant.
            before: tokens that were requested later are kept, in Unix seconds.
        """
        notice()
        with self._changes:
            # Flights first: one that lands meanwhile, around a signal handler, keeps no token.
            flights = [self._flights.pop(key, None) for key in list(self._flights) if matches(key)]
            for key, entry in list(self._entries.items()):
                if matches(key) and entry.received_at < before:
                    self._entries.pop(key, None)
        for flight in flights:
            if flight is not None:
                flight.wake()

    def refresh(
        self,
        matches: Callable[[CacheKey], bool],
        within: float,
        before: float = float("inf"),
        *,
        rejected: bool = False,
    ) -> None:
        """Have the tokens whose key matches fetched again, at random within so many seconds.

        Until then they serve.

        Args:
            matches: whether a key is meant.
            within: seconds.
            before: tokens that were requested later are kept, in Unix seconds.
            rejected: whether the reason is a rejection in another process. Without, their
                connection changed.
        """
        notice()
        between = (0.0, within)
        with self._changes:
            entries = self._entries
            now = self._clock()
            for key, flight in list(self._flights.items()):
                is_replacing = key in entries and entries[key].is_rejected
                if matches(key) and not (rejected and is_replacing):
                    flight.refresh_between = min(flight.refresh_between or between, between)
            for key, entry in list(entries.items()):
                is_meant = matches(key) and entry.received_at < before
                if is_meant and (not rejected or entry.is_doubtful(now)):
                    entry.refresh_soon(now, between)

    def oldest(self, matches: Callable[[CacheKey], bool]) -> float | None:
        """Return when the oldest token whose key matches was requested, in Unix seconds."""
        entries = list(self._entries.items())
        return min((entry.received_at for key, entry in entries if matches(key)), default=None)

    def clear(self) -> None:
        """Drop all tokens, and abandon all flights."""
        self.invalidate(lambda _key: True)

    def retire(self, scope: Scope) -> None:
        """Drop the tokens of a closed client or a replaced key soon, but those used meanwhile."""
        self._retired[scope] = self._clock()

    def sweep(self) -> None:
        """Drop tokens that have expired, or whose client is closed, if a sweep is due."""
        now = self._clock()
        if max(now, time.time() - self._sweep_wall_offset) < self._sweep_at:
            return
        with self._changes as is_handler:
            if is_handler:
                return
            self._plan_sweep()
            due = {s: at for s, at in list(self._retired.items()) if at <= now - RETIRED_SECONDS}
            for key, entry in list(self._entries.items()):
                retired_at = max(due.get(key[:2], -1.0), due.get(key[:3], -1.0))
                if entry.used_at <= retired_at or self._now(entry) >= entry.forget_at:
                    self._entries.pop(key, None)
            for scope, at in due.items():
                if self._retired.get(scope) == at:
                    self._retired.pop(scope, None)

    def _plan_sweep(self) -> None:
        now = self._clock()
        self._sweep_wall_offset = time.time() - now
        self._sweep_at = now + SWEEP_SECONDS

    def _make_room(self) -> None:
        if len(self._entries) <= self._capacity:
            return
        # An eighth at a time, so that a full cache does not sort itself at every new token.
        surplus = len(self._entries) - self._capacity + self._capacity // 8
        by_use = sorted(self._entries.items(), key=lambda item: item[1].used_at)
        for key, _ in by_use[:surplus]:
            self._entries.pop(key, None)


#: The cache of this process, shared by all clients.
shared = TokenCache()
