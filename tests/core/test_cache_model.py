"""The token cache agrees with a small model, in any order of events."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from support.moments import moment
from vendo._tokens.cache import TokenCache
from vendo._tokens.flights import Flight
from vendo.errors import UpstreamError

KEYS = [("url", key, user, slug) for key in "ab" for user in (None, "u") for slug in ("x", "y")]
CAPACITY = 5
WITHIN = 30.0

keys = st.sampled_from(KEYS)


@dataclass
class Held:
    """The model's view of a token that may be in the cache."""

    token: str
    expires_at: float
    rejected: bool = False
    #: Accepted by the provider, or returned again after a rejection: a rejection does not drop it.
    stays: bool = False


@dataclass
class Model:
    held: dict[object, Held] = field(default_factory=dict)
    flights: dict[object, tuple[Flight, float]] = field(default_factory=dict)


class CacheMachine(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.cache = TokenCache(CAPACITY, clock=lambda: self.now)
        self.model = Model()
        self.issued: dict[str, object] = {}  # token -> the key that it belongs to
        self.ended: list[Flight] = []

    def check_token(self, key: object, token: str) -> None:
        assert self.issued[token] == key, "another user's token"
        held = self.model.held[key]
        assert held.token == token, "an older token than the latest"
        assert not held.rejected, "a token that was rejected or invalidated"
        assert self.now < held.expires_at, "an expired token"

    @rule(key=keys)
    def get(self, key: tuple[str, str, str | None, str]) -> None:
        token = self.cache.get(key)
        if token is not None:
            self.check_token(key, token)

    @rule(key=keys)
    def claim(self, key: tuple[str, str, str | None, str]) -> None:
        claim = self.cache.claim(key, WITHIN)
        under_way = self.model.flights.get(key)
        if isinstance(claim, str):
            self.check_token(key, claim)
        elif claim.lead:
            if under_way is not None:
                flight, led_at = under_way
                assert self.now >= led_at + WITHIN, "two fetches for one key"
                assert self.is_over(flight)
                self.ended.append(flight)
            self.model.flights[key] = (claim.flight, self.now)
        else:
            assert under_way is not None
            assert claim.flight is under_way[0], "waits for a fetch without a leader"
            assert claim.flight.done is not None, "nothing to wait for"
            assert not claim.flight.done.done(), "waits for a fetch that has ended"

    @precondition(lambda self: self.model.flights)
    @rule(data=st.data())
    def take_over(self, data: st.DataObject) -> None:
        """A waiting caller finds that the flight cannot end."""
        key = data.draw(st.sampled_from(sorted(self.model.flights, key=str)))
        lost, _ = self.model.flights[key]
        claim = self.cache.claim(key, WITHIN, lost)  # type: ignore[arg-type]  # it is one of KEYS
        if isinstance(claim, str):
            self.check_token(key, claim)
            return
        assert claim.lead, "waits again for what cannot end"
        assert self.is_over(lost)
        assert lost.outcome() is None
        self.model.flights[key] = (claim.flight, self.now)
        self.ended.append(lost)

    @precondition(lambda self: self.model.flights)
    @rule(
        data=st.data(),
        lifetime=st.sampled_from([None, 3600.0, 60.0, 1.0, 0.0, -1.0]),
        again=st.booleans(),
    )
    def land(self, data: st.DataObject, lifetime: float | None, again: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.flights, key=str)))
        flight, led_at = self.model.flights.pop(key)
        former = self.model.held.get(key)
        again = again and former is not None
        token = former.token if former is not None and again else f"token {len(self.issued)}"
        self.issued[token] = key
        self.cache.land(flight, token, lifetime, moment(led_at))
        assert self.is_over(flight)
        is_rejected = flight.rejected == token  # after the flight began
        assert flight.outcome() == (None if is_rejected else token)
        expires = float("inf") if lifetime is None else led_at + lifetime
        self.model.held[key] = Held(token, expires, rejected=is_rejected and not again, stays=again)
        self.ended.append(flight)

    @precondition(lambda self: self.model.flights)
    @rule(data=st.data(), transient=st.booleans())
    def fail(self, data: st.DataObject, transient: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.flights, key=str)))
        flight, _ = self.model.flights.pop(key)
        served = self.cache.fail(
            flight, UpstreamError("upstream_error", "down"), transient=transient
        )
        assert self.is_over(flight)
        if served:
            assert transient
            outcome = flight.outcome()
            assert outcome is not None
            self.check_token(key, outcome)
        else:
            assert flight.error is not None
            self.drop(key)
        self.ended.append(flight)

    @precondition(lambda self: self.model.flights)
    @rule(data=st.data(), drop=st.booleans())
    def abandon(self, data: st.DataObject, drop: bool) -> None:
        key = data.draw(st.sampled_from(sorted(self.model.flights, key=str)))
        flight, _ = self.model.flights.pop(key)
        self.cache.abandon(flight, drop=drop)
        assert self.is_over(flight)
        assert flight.outcome() is None
        if drop:
            self.drop(key)
        self.ended.append(flight)

    @precondition(lambda self: self.issued)
    @rule(data=st.data())
    def reject(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.issued)))
        key = self.issued[token]
        self.cache.reject(key, token)  # type: ignore[arg-type]  # it is one of KEYS
        held = self.model.held.get(key)
        if held is not None and held.token == token and not held.stays:
            held.rejected = True

    @precondition(lambda self: self.issued)
    @rule(data=st.data())
    def accept(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.issued)))
        key = self.issued[token]
        self.cache.accept(key, token)  # type: ignore[arg-type]  # it is one of KEYS
        held = self.model.held.get(key)
        if held is not None and held.token == token:
            held.stays = True

    @rule(user=st.sampled_from([None, "u"]), slug=st.sampled_from("xy"))
    def invalidate(self, user: str | None, slug: str) -> None:
        self.cache.invalidate(lambda key: key[2:] == (user, slug))
        for key in KEYS:
            if key[2:] == (user, slug):
                self.drop(key)
                if key in self.model.flights:
                    flight, _ = self.model.flights.pop(key)
                    assert self.is_over(flight)
                    self.ended.append(flight)

    @precondition(lambda self: self.ended)
    @rule(data=st.data())
    def a_late_leader_changes_nothing(self, data: st.DataObject) -> None:
        flight = data.draw(st.sampled_from(self.ended))
        outcome, before = flight.token, dict(self.cache._entries)
        self.cache.land(flight, "late", 3600.0, moment(self.now))
        self.cache.fail(flight, UpstreamError("upstream_error", "late"), transient=False)
        self.cache.abandon(flight, drop=True)
        assert (flight.token, dict(self.cache._entries)) == (outcome, before)

    @rule(seconds=st.sampled_from([0.0, 1.0, 20.0, 59.0, 1800.0, 3600.0]))
    def pass_time(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def fork(self) -> None:
        """A child keeps the tokens, and has no fetch under way."""
        self.cache._after_fork()
        self.model.flights.clear()

    @invariant()
    def it_is_bounded(self) -> None:
        assert len(self.cache) <= CAPACITY

    @invariant()
    def flight_without_a_leader_is_not_under_way(self) -> None:
        assert self.cache._flights == {
            key: flight for key, (flight, _) in self.model.flights.items()
        }

    def is_over(self, flight: Flight) -> bool:
        woken = flight.done is None or flight.done.done()
        return woken and flight not in self.cache._flights.values()

    def drop(self, key: object) -> None:
        held = self.model.held.get(key)
        if held is not None:
            held.rejected = True


TestCacheAgainstTheModel = CacheMachine.TestCase
TestCacheAgainstTheModel.settings = settings(max_examples=60, stateful_step_count=40)
