"""Tokens that are fetched again soon, since their connection changed; they serve until then."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from support.moments import moment
from vendo._tokens.cache import TokenCache
from vendo._tokens.entry import LATER
from vendo._tokens.flights import Claim, Flight
from vendo.errors import UpstreamTimeout

if TYPE_CHECKING:
    from vendo._tokens.flights import CacheKey

KEY = ("https://credentials.example", "vendo_sk_canary", None, "gmail")
OTHER = (*KEY[:3], "slack")
WITHIN = 2.0


class Clock:
    now = 1000.0

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


def put(cache: TokenCache, token: str, key: CacheKey = KEY) -> None:
    cache.land(lead(cache, key), token, 3600.0, moment(cache._clock()))


def change(cache: TokenCache, before: float = float("inf"), *, rejected: bool = False) -> None:
    cache.refresh(lambda key: key == KEY, WITHIN, before, rejected=rejected)


def test_one_caller_fetches_it_and_the_others_go_on(cache: TokenCache, clock: Clock) -> None:
    put(cache, "old")
    change(cache)
    assert cache.claim(KEY) == "old"
    clock.now += WITHIN
    assert cache.get(KEY) is None
    flight = lead(cache)
    assert cache.claim(KEY) == "old"
    cache.land(flight, "new", 3600.0, moment(clock.now))
    assert cache.get(KEY) == "new"


def test_the_moments_of_many_processes_are_spread() -> None:
    moments = []
    for _ in range(500):
        clock = Clock()
        cache = TokenCache(clock=clock)
        put(cache, "old")
        change(cache)
        moments.append(cache._entries[KEY].refresh_at - clock.now)
    assert 0 <= min(moments) < 0.2
    assert WITHIN - 0.2 < max(moments) < WITHIN
    assert sum(moment < WITHIN / 2 for moment in moments) > 150


def test_several_changes_cost_one_fetch(cache: TokenCache, clock: Clock) -> None:
    put(cache, "old")
    for _ in range(3):
        change(cache)
    clock.now += WITHIN
    put(cache, "new")
    clock.now += WITHIN
    assert cache.get(KEY) == "new"


def test_other_tokens_and_newer_ones_are_kept(cache: TokenCache, clock: Clock) -> None:
    put(cache, "old")
    put(cache, "other", OTHER)
    change(cache, before=cache._entries[KEY].received_at)
    clock.now += WITHIN
    assert cache.get(KEY) == "old"
    change(cache)
    clock.now += WITHIN
    assert cache.get(KEY) is None
    assert cache.get(OTHER) == "other"


def test_the_successor_of_a_rejected_token_is_kept_if_it_is_rejected_elsewhere(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "old")
    cache.accept(KEY, "old")
    cache.reject(KEY, "old")
    put(cache, "new")
    change(cache, rejected=True)
    clock.now += WITHIN
    assert cache.get(KEY) == "new"
    change(cache, rejected=True)
    clock.now += WITHIN
    assert cache.get(KEY) is None


def test_the_successor_is_fetched_again_later_if_its_connection_changed(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "old")
    cache.reject(KEY, "old")
    put(cache, "new")
    change(cache)
    clock.now += LATER[0] - 0.1
    assert cache.claim(KEY) == "new"
    clock.now += LATER[1] - LATER[0] + 0.2
    assert lead(cache)


def test_a_token_that_vendo_returned_again_is_no_reason_to_ask_once_more(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "same")
    clock.now += 100
    for _ in range(3):
        cache.reject(KEY, "same")
        put(cache, "same")
        clock.now += 3
    clock.now += 1 - WITHIN  # the third time it is trusted for four seconds
    cache.reject(KEY, "same")
    change(cache, rejected=True)
    assert cache.get(KEY) == "same"
    change(cache)  # while a change of the connection is one
    clock.now += WITHIN
    assert cache.get(KEY) is None


def test_in_an_outage_a_rejection_elsewhere_keeps_the_backoff(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "old")
    clock.now += 3545
    for pause in (1.0, 8.0):
        cache.fail(lead(cache), UpstreamTimeout("upstream_timeout", "slow"), transient=True)
        assert cache.get(KEY) == "old"
        change(cache, rejected=True)
        clock.now += pause - 0.1
        assert cache.get(KEY) == "old"
        clock.now += 0.2
    assert cache.get(KEY) is None


def test_a_fetch_in_flight_is_repeated_if_the_connection_changes(
    cache: TokenCache, clock: Clock
) -> None:
    flight = lead(cache)
    change(cache)
    change(cache, rejected=True)
    cache.refresh(lambda key: key == KEY, 30.0)  # a later moment is not in place of it
    cache.land(flight, "perhaps old", 3600.0, moment(clock.now))
    clock.now += WITHIN
    assert cache.get(KEY) is None


def test_a_fetch_after_a_rejection_is_not_repeated_if_the_token_is_rejected_elsewhere(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "old")
    cache.reject(KEY, "old")
    flight = lead(cache)
    change(cache, rejected=True)
    cache.land(flight, "new", 3600.0, moment(clock.now))
    clock.now += LATER[1]
    assert cache.claim(KEY) == "new"


def test_a_fetch_after_a_rejection_is_repeated_later_if_the_connection_changes(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "old")
    cache.reject(KEY, "old")
    flight = lead(cache)
    change(cache)
    cache.land(flight, "new", 3600.0, moment(clock.now))
    clock.now += LATER[0] - 0.1
    assert cache.claim(KEY) == "new"
    clock.now += LATER[1] - LATER[0] + 0.2
    assert lead(cache)


def test_a_rejection_is_told_once_vendo_has_another_token(cache: TokenCache, clock: Clock) -> None:
    told: list[CacheKey] = []
    cache.on_replace = told.append
    put(cache, "old")
    clock.now += 10
    cache.reject(KEY, "old")
    cache.reject(KEY, "another")
    assert told == []
    put(cache, "old")  # Vendo has no other one: the rejection has another reason
    clock.now += 10
    cache.reject(KEY, "old")
    assert told == []
    put(cache, "new")
    assert told == [KEY]
    cache.invalidate(lambda _: True)
    put(cache, "newer")  # nothing was rejected
    assert told == [KEY]


def test_the_oldest_token(cache: TokenCache, clock: Clock) -> None:
    assert cache.oldest(lambda _: True) is None
    put(cache, "old")
    first = cache._entries[KEY].received_at
    clock.now += 5
    put(cache, "other", OTHER)
    assert cache.oldest(lambda _: True) == first
    assert cache.oldest(lambda key: key == OTHER) == cache._entries[OTHER].received_at
