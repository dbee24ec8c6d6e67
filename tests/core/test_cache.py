"""Deadlines, outages and bounds of the token cache, on a clock that the tests move."""

from __future__ import annotations

import pickle
import random
import time
from typing import TYPE_CHECKING

import pytest

from support.moments import moment
from vendo._tokens import cache as token_cache
from vendo._tokens.cache import TokenCache
from vendo._tokens.entry import Entry
from vendo._tokens.flights import Claim, Flight
from vendo.errors import NotConnected, RateLimited, UpstreamError

if TYPE_CHECKING:
    from vendo._tokens.flights import CacheKey

KEY = ("https://credentials.example", "vendo_sk_canary", None, "gmail")
OTHER_USER = (*KEY[:2], "another user", KEY[3])


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> TokenCache:
    return TokenCache(clock=clock)


def lead(cache: TokenCache, key: CacheKey = KEY) -> Flight:
    claim = cache.claim(key)
    assert isinstance(claim, Claim)
    assert claim.lead
    return claim.flight


def put(cache: TokenCache, token: str, lifetime: float | None, key: CacheKey = KEY) -> None:
    cache.land(lead(cache, key), token, lifetime, moment(cache._clock()))


def fetched_again(cache: TokenCache, token: str) -> bool:
    """Let a caller fetch this token, if one is due. Return True if it was."""
    claim = cache.claim(KEY)
    if isinstance(claim, Claim):
        cache.land(claim.flight, token, 3600.0, moment(cache._clock()))
    return isinstance(claim, Claim)


def is_due(cache: TokenCache, key: CacheKey = KEY) -> bool:
    """Return True if a caller must claim the token, and the claim is not the token."""
    return cache.get(key) is None and not isinstance(cache.claim(key), str)


def is_over(cache: TokenCache, flight: Flight) -> bool:
    """Return True if no new caller waits for a flight, and all waiting ones were woken."""
    return flight not in cache._flights.values() and (flight.done is None or flight.done.done())


def outage(retry_after: int | None = None) -> UpstreamError:
    return UpstreamError("upstream_error", "down", retry_after=retry_after)


def test_first_caller_of_an_empty_cache_leads(cache: TokenCache) -> None:
    assert cache.get(KEY) is None
    first, second = cache.claim(KEY), cache.claim(KEY)
    assert isinstance(first, Claim)
    assert isinstance(second, Claim)
    assert (first.lead, second.lead) == (True, False)
    assert first.flight is second.flight


def test_landed_token_is_served(cache: TokenCache) -> None:
    flight = lead(cache)
    cache.land(flight, "t1", 3600.0, moment(1000.0))
    assert is_over(cache, flight)
    assert flight.outcome() == "t1"
    assert cache.get(KEY) == cache.claim(KEY) == "t1"


def test_users_keys_and_backends_never_see_each_others_tokens(cache: TokenCache) -> None:
    put(cache, "t1", 3600.0)
    others = [
        OTHER_USER,
        ("https://elsewhere.example", *KEY[1:]),
        (KEY[0], "vendo_sk_other", *KEY[2:]),
        (*KEY[:3], "slack"),
    ]
    for key in others:
        assert cache.get(key) is None
        assert lead(cache, key)


@pytest.mark.parametrize("lifetime", [3600.0, 86_400.0])
def test_a_token_is_used_until_its_last_minute(
    cache: TokenCache, clock: Clock, lifetime: float
) -> None:
    put(cache, "t1", lifetime)
    clock.now += lifetime * 0.88 - 60.0 - 0.001
    assert not is_due(cache)
    clock.now += lifetime * 0.12 + 0.001
    assert is_due(cache)


def test_token_with_a_lifetime_of_a_minute_is_cached(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 60.0)
    clock.now += 60.0 * 0.68 - 0.001
    assert not is_due(cache)
    clock.now += 60.0 * 0.12 + 0.001
    assert is_due(cache)


def test_early_refresh_window_is_random_per_token() -> None:
    random.seed(1)
    windows = [Entry("t", 3600.0, moment(0.0)).refresh_at for _ in range(200)]
    assert len(set(windows)) == 200
    assert 3108.0 <= min(windows) < 3120.0
    assert 3530.0 < max(windows) <= 3540.0


def test_token_without_a_date_is_refreshed_after_fifty_minutes(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "t1", None)
    clock.now += 44 * 60.0 - 0.001
    assert not is_due(cache)
    clock.now += 6 * 60.0 + 0.001
    assert is_due(cache)


def test_a_token_without_a_date_outlives_any_outage(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", None)
    clock.now += 10 * 86_400.0
    assert cache.fail(lead(cache), outage(), transient=True)
    assert cache.get(KEY) == "t1"


def test_lifetime_counts_from_the_request(cache: TokenCache, clock: Clock) -> None:
    flight = lead(cache)
    clock.now += 100.0
    cache.land(flight, "t1", 150.0, moment(1000.0))
    assert is_due(cache) is False
    assert cache._entries[KEY].expires_at == 1150.0
    clock.now += 50.0
    assert is_due(cache)
    assert len(cache) == 0


@pytest.mark.parametrize("lifetime", [0.0, -5.0])
def test_expired_token_is_served_once_and_not_cached(cache: TokenCache, lifetime: float) -> None:
    flight = lead(cache)
    cache.land(flight, "t1", lifetime, moment(1000.0))
    assert flight.outcome() == "t1"
    assert len(cache) == 0


def test_near_the_end_one_caller_refreshes_and_the_others_use_the_token(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].refresh_at
    flight = lead(cache)
    assert flight.fallback is not None
    assert [cache.claim(KEY) for _ in range(50)] == ["t1"] * 50
    cache.land(flight, "t2", 3600.0, moment(clock.now))
    assert cache.claim(KEY) == "t2"


def test_in_the_last_minute_the_others_wait_for_the_new_token(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].wait_from
    flight = lead(cache)
    waiting = cache.claim(KEY)
    assert isinstance(waiting, Claim)
    assert not waiting.lead
    cache.land(flight, "t2", 3600.0, moment(clock.now))
    assert waiting.flight.outcome() == "t2"


def test_the_replacement_is_atomic(cache: TokenCache, clock: Clock) -> None:
    """During a refresh the old token is served until the new one is there."""
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].refresh_at
    flight = lead(cache)
    assert cache._entries[KEY].token == "t1"
    cache.land(flight, "t2", 3600.0, moment(clock.now))
    assert cache._entries[KEY].token == "t2"


def test_in_an_outage_the_valid_token_is_served_with_one_try_per_window(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].wait_from
    tries = 0
    seconds = 0
    while clock.now < cache._entries[KEY].expires_at:
        claim = cache.claim(KEY)
        if isinstance(claim, Claim):
            tries += 1
            assert cache.fail(claim.flight, outage(), transient=True)
            assert claim.flight.outcome() == "t1"
        else:
            assert claim == "t1"
        clock.now += 1.0
        seconds += 1
    assert seconds == 60
    assert tries == 3  # at once, after a second, and 8 seconds later


def test_after_a_failure_no_caller_waits_for_the_next_try(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].wait_from
    cache.fail(lead(cache), outage(), transient=True)
    clock.now += token_cache.FIRST_BACKOFF
    lead(cache)
    assert cache.claim(KEY) == "t1"


def test_retry_after_of_the_backend_is_respected(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].wait_from
    error = RateLimited("upstream_rate_limited", "slow down", retry_after=40)
    assert cache.fail(lead(cache), error, transient=True)
    clock.now += 39.9
    assert cache.claim(KEY) == "t1"
    clock.now += 0.1
    assert lead(cache)


def test_pause_ends_with_the_token(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].wait_from
    error = RateLimited("upstream_rate_limited", "slow down", retry_after=9_999)
    cache.fail(lead(cache), error, transient=True)
    clock.now += 60.0
    assert lead(cache).fallback is None


def test_a_success_ends_the_outage(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].refresh_at
    cache.fail(lead(cache), outage(), transient=True)
    clock.now += 1.0
    cache.land(lead(cache), "t2", 3600.0, moment(clock.now))
    assert cache._entries[KEY].failures == 0
    assert cache.get(KEY) == "t2"


def test_expired_token_is_not_served(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now += 3600.0
    flight = lead(cache)
    assert flight.fallback is None
    assert not cache.fail(flight, outage(), transient=True)
    with pytest.raises(UpstreamError):
        flight.outcome()


def test_token_that_expires_during_the_try_is_not_served(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].wait_from
    flight = lead(cache)
    clock.now += 60.0
    assert not cache.fail(flight, outage(), transient=True)
    with pytest.raises(UpstreamError):
        flight.outcome()


def test_lasting_error_drops_the_valid_token(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].refresh_at
    flight = lead(cache)
    assert not cache.fail(flight, NotConnected("binding_missing", "gone"), transient=False)
    assert len(cache) == 0
    with pytest.raises(NotConnected):
        flight.outcome()


def test_each_caller_gets_its_own_error_and_it_is_not_cached(cache: TokenCache) -> None:
    flight = lead(cache)
    cache.fail(flight, outage(), transient=True)
    errors = []
    for _ in range(3):
        with pytest.raises(UpstreamError) as caught:
            flight.outcome()
        errors.append(caught.value)
    assert len({id(error) for error in errors}) == 3
    assert lead(cache) is not flight


def test_rejected_token_is_dropped_and_never_served_again(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].refresh_at
    flight = lead(cache)  # with "t1" as fallback
    cache.reject(KEY, "t1")
    assert not cache.fail(flight, outage(), transient=True)
    with pytest.raises(UpstreamError):
        flight.outcome()


def test_rejection_of_an_older_token_keeps_the_newer_one(cache: TokenCache) -> None:
    put(cache, "t2", 3600.0)
    cache.reject(KEY, "t1")
    assert cache.get(KEY) == "t2"
    cache.reject(OTHER_USER, "t2")
    assert cache.get(KEY) == "t2"


def test_rejections_of_a_token_that_stays_the_same_cost_ever_fewer_fetches(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "t1", None)
    fetched = []
    begin = clock.now
    while clock.now < begin + 120.0:
        cache.reject(KEY, "t1")
        if fetched_again(cache, "t1"):
            fetched.append(clock.now - begin)
        clock.now += 0.5
    assert fetched == [0, 1, 3, 7, 15, 30, 45, 60, 75, 90, 105]


@pytest.mark.parametrize("accepted", [False, True])
def test_rotation_after_a_storm_of_rejections_is_noticed_within_twenty_seconds(
    cache: TokenCache, clock: Clock, *, accepted: bool
) -> None:
    put(cache, "t1", 3600.0)
    if accepted:
        cache.accept(KEY, "t1")
    for _ in range(200):
        cache.reject(KEY, "t1")
        fetched_again(cache, "t1")
        clock.now += 0.5
    rotated_at = clock.now
    while not fetched_again(cache, "t2"):
        clock.now += 0.5
        cache.reject(KEY, "t1")
    assert clock.now - rotated_at <= 20.0
    # The new token has no history.
    cache.reject(KEY, "t2")
    assert is_due(cache)


def test_accepted_token_that_is_rejected_serves_others_meanwhile_and_after_a_failure(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "t1", 3600.0)
    cache.accept(KEY, "t1")
    cache.reject(KEY, "t1")
    flight = lead(cache)
    assert cache.claim(KEY) == "t1"  # another caller
    waiting = cache.claim(KEY, rejected="t1")
    assert isinstance(waiting, Claim)
    assert not waiting.lead
    assert cache.fail(flight, outage(), transient=True)
    assert (cache.get(KEY), flight.outcome()) == ("t1", "t1")
    cache.reject(KEY, "t1")
    assert cache.get(KEY) == "t1", "one fetch for each pause"
    clock.now += token_cache.LONGEST_BACKOFF
    cache.reject(KEY, "t1")
    assert is_due(cache)


def test_acceptance_of_another_token_counts_for_nothing(cache: TokenCache) -> None:
    put(cache, "t1", 3600.0)
    cache.accept(KEY, "t0")
    cache.accept(OTHER_USER, "t1")
    cache.reject(KEY, "t1")
    assert not cache.fail(lead(cache), outage(), transient=True)


def test_pause_that_the_backend_asks_for_outlasts_rejections(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "t1", 3600.0)
    cache.accept(KEY, "t1")
    cache.reject(KEY, "t1")
    assert cache.fail(lead(cache), outage(retry_after=100), transient=True)
    clock.now += 99.0
    cache.reject(KEY, "t1")
    assert cache.get(KEY) == "t1"


@pytest.mark.parametrize("accepted", [False, True])
def test_rejection_counts_after_a_wall_clock_that_was_ahead_is_set_back(
    cache: TokenCache, clock: Clock, monkeypatch: pytest.MonkeyPatch, *, accepted: bool
) -> None:
    put(cache, "t1", None)
    cache._entries[KEY].wall_offset = time.time() - clock.now
    if accepted:
        cache.accept(KEY, "t1")
    with monkeypatch.context() as ahead:
        now = time.time
        ahead.setattr(time, "time", lambda: now() + 7200.0)
        cache.reject(KEY, "t1")
    assert is_due(cache)


def test_rejections_are_ignored_no_longer_for_a_wall_clock_that_was_ahead(
    cache: TokenCache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache, "t1", 3 * 3600.0)
    cache._entries[KEY].wall_offset = time.time() - clock.now
    cache.accept(KEY, "t1")
    cache.reject(KEY, "t1")
    with monkeypatch.context() as ahead:
        now = time.time
        ahead.setattr(time, "time", lambda: now() + 7200.0)
        assert cache.fail(lead(cache), outage(), transient=True)
    clock.now += 2.0
    cache.reject(KEY, "t1")
    assert is_due(cache)


def test_invalidating_during_a_fetch_wins(cache: TokenCache) -> None:
    flight = lead(cache)
    waiting = cache.claim(KEY)
    cache.invalidate(lambda key: key == KEY)
    assert is_over(cache, flight)
    assert flight.outcome() is None
    assert isinstance(waiting, Claim)
    newer = lead(cache)

    cache.land(flight, "old", 3600.0, moment(1000.0))
    assert flight.outcome() is None
    assert cache.get(KEY) is None

    cache.land(newer, "new", 3600.0, moment(1000.0))
    assert cache.get(KEY) == "new"
    assert not cache.fail(flight, outage(), transient=False)
    cache.abandon(flight, drop=True)
    assert cache.get(KEY) == "new"


def test_invalidating_drops_only_matching_tokens(cache: TokenCache) -> None:
    put(cache, "t1", 3600.0)
    put(cache, "t2", 3600.0, OTHER_USER)
    cache.invalidate(lambda key: key[2] is None)
    assert cache.get(KEY) is None
    assert cache.get(OTHER_USER) == "t2"
    cache.clear()
    assert len(cache) == 0


def test_abandoned_fetch_is_repeated(cache: TokenCache) -> None:
    flight = lead(cache)
    cache.abandon(flight)
    assert flight.outcome() is None
    assert lead(cache) is not flight


def test_abandoning_keeps_the_valid_token_unless_dropped(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t1", 3600.0)
    clock.now = cache._entries[KEY].refresh_at
    cache.abandon(lead(cache))
    assert lead(cache).fallback is not None
    cache.abandon(cache._flights[KEY], drop=True)
    assert len(cache) == 0


def test_overdue_fetch_of_a_lost_leader_is_repeated(cache: TokenCache, clock: Clock) -> None:
    claim = cache.claim(KEY, within=30.0)
    assert isinstance(claim, Claim)
    clock.now += 34.9
    waiting = cache.claim(KEY, within=30.0)
    assert isinstance(waiting, Claim)
    assert not waiting.lead
    clock.now += 0.1
    flight = lead(cache)
    assert flight is not claim.flight
    assert is_over(cache, waiting.flight)
    assert waiting.flight.outcome() is None
    cache.land(claim.flight, "late", 3600.0, moment(1000.0))
    assert cache.get(KEY) is None


def test_lost_flight_is_repeated_once(cache: TokenCache) -> None:
    lost = lead(cache)
    waiting = cache.claim(KEY)
    repeated = cache.claim(KEY, lost=lost)
    assert isinstance(waiting, Claim)
    assert isinstance(repeated, Claim)
    assert repeated.lead
    assert waiting.flight is lost
    assert is_over(cache, lost)
    joined = cache.claim(KEY, lost=lost)  # another caller has noticed it too
    assert isinstance(joined, Claim)
    assert not joined.lead
    assert joined.flight is repeated.flight
    cache.land(lost, "late", 3600.0, moment(1000.0))
    assert cache.get(KEY) is None
    cache.land(repeated.flight, "t1", 3600.0, moment(1000.0))
    assert cache.claim(KEY, lost=repeated.flight) == "t1"


def test_the_least_recently_used_goes_first(clock: Clock) -> None:
    cache = TokenCache(capacity=16, clock=clock)
    keys = [(*KEY[:2], f"user {number}", "gmail") for number in range(16)]
    for number, key in enumerate(keys):
        clock.now += 1.0
        put(cache, f"t{number}", 3600.0, key)
    clock.now += 1.0
    assert cache.claim(keys[0]) == "t0"  # used again
    clock.now += 1.0
    put(cache, "t1", 3600.0)
    assert len(cache) == 14  # an eighth is dropped at a time
    assert cache.get(keys[0]) == "t0"
    assert cache.get(KEY) == "t1"
    assert [cache.get(key) for key in keys[1:4]] == [None] * 3


def test_slowly_fetched_token_is_not_evicted_first(clock: Clock) -> None:
    cache = TokenCache(capacity=2, clock=clock)
    slow = lead(cache)
    for user in ("one", "two"):
        clock.now += 1.0
        put(cache, user, 3600.0, (*KEY[:2], user, "gmail"))
    clock.now += 1.0
    cache.land(slow, "slow", 3600.0, moment(1000.0))
    assert cache.get(KEY) == "slow"


def test_no_repr_shows_a_token_or_a_key(cache: TokenCache) -> None:
    put(cache, "canary-token", 3600.0)
    flight = lead(cache, OTHER_USER)
    cache.claim(OTHER_USER)
    shown = f"{cache!r} {cache._entries[KEY]!r} {flight!r} {flight.done!r}"
    assert "canary" not in shown
    assert repr(cache) == "<TokenCache, 1 tokens>"


def test_a_cache_is_not_pickled_by_accident(cache: TokenCache) -> None:
    put(cache, "canary-token", 3600.0)
    with pytest.raises(TypeError):
        pickle.dumps(cache)


@pytest.mark.parametrize("held", [None, "t0", "t1"])
def test_token_that_is_rejected_while_it_is_being_fetched_is_fetched_once_more(
    cache: TokenCache, held: str | None
) -> None:
    if held is not None:
        put(cache, held, 3600.0)
        cache._entries[KEY].refresh_at = cache._entries[KEY].check_at = 0.0
    flight = lead(cache)
    for _ in range(3):
        cache.reject(KEY, "t1")
    cache.land(flight, "t1", 3600.0, moment(1000.0))
    assert flight.outcome() is None, "its callers claim again"
    assert cache.get(KEY) is None
    again = lead(cache)
    for _ in range(3):  # of requests that were sent before
        cache.reject(KEY, "t1")
    cache.land(again, "t1", 3600.0, moment(1000.0))
    assert again.outcome() == cache.get(KEY) == "t1"


def test_newer_token_is_kept_though_the_older_one_is_rejected_meanwhile(cache: TokenCache) -> None:
    flight = lead(cache)
    cache.reject(KEY, "t1")
    cache.land(flight, "t2", 3600.0, moment(1000.0))
    assert flight.outcome() == cache.get(KEY) == "t2"
