"""Tokens that no caller needs any more leave memory: expired, of a closed client, of an old key."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from typing import TYPE_CHECKING

import pytest

import vendo
from core.test_cache import KEY, OTHER_USER, Clock, outage, put
from vendo._protocol.jwt import expiry_of
from vendo._protocol.moments import elapsed
from vendo._protocol.secret import Secret
from vendo._tokens import cache as token_cache
from vendo._tokens.cache import TokenCache
from vendo._tokens.flights import Claim
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from vendo._tokens.flights import CacheKey


SCOPE = (KEY[0], Secret(KEY[1]))
SLACK = (*KEY[:3], "slack")
OLD_KEY = (KEY[0], "vendo_sk_replaced", None, "gmail")


@pytest.fixture(autouse=True)
def _empty_cache() -> None:
    token_cache.shared.clear()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def cache(clock: Clock) -> TokenCache:
    return TokenCache(clock=clock)


def use(cache: TokenCache, clock: Clock, seconds: float, *keys: CacheKey) -> None:
    """Let time pass in a process that goes on using these tokens, as often as once a second."""
    until = clock.now + seconds
    while clock.now < until:
        clock.now += 1.0
        for key in keys:
            if cache.get(key) is None:
                assert not isinstance(cache.claim(key), Claim)


def test_an_expired_token_leaves_memory_while_another_is_used(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "short", 100.0)
    put(cache, "long", 3600.0, SLACK)
    use(cache, clock, 99.0, SLACK)
    assert len(cache) == 2
    use(cache, clock, 60.0, SLACK)
    assert list(cache._entries) == [SLACK]


def test_an_expired_token_leaves_memory_with_the_fetch_of_another(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "short", 100.0)
    clock.now += 101.0
    put(cache, "other", 3600.0, SLACK)
    assert list(cache._entries) == [SLACK]


def test_a_token_that_is_used_in_an_outage_stays_until_it_expires(
    cache: TokenCache, clock: Clock
) -> None:
    put(cache, "short", 100.0)
    clock.now += 90.0
    claim = cache.claim(KEY)
    assert isinstance(claim, Claim)
    assert cache.fail(claim.flight, outage(), transient=True)
    clock.now += 9.0
    cache.sweep()
    assert len(cache) == 1
    clock.now += 11.0
    cache.sweep()
    assert len(cache) == 0


def test_tokens_of_a_closed_client_leave_memory_unless_they_are_used(
    cache: TokenCache, clock: Clock
) -> None:
    for key in (KEY, OTHER_USER, SLACK, OLD_KEY):
        put(cache, "t", 36_000.0, key)
    clock.now += 1.0
    cache.retire(SCOPE)
    use(cache, clock, 60.0, SLACK)
    assert set(cache._entries) == {SLACK, OLD_KEY}
    assert not cache._retired
    use(cache, clock, 600.0, SLACK)
    assert set(cache._entries) == {SLACK, OLD_KEY}


def test_a_client_for_each_request_keeps_its_token(cache: TokenCache, clock: Clock) -> None:
    put(cache, "t", 3600.0)
    for _ in range(100):
        use(cache, clock, 20.0)
        assert cache.get(KEY) or cache.claim(KEY) == "t"
        cache.retire(SCOPE)
    assert len(cache) == 1


def test_a_token_that_comes_after_the_close_stays(cache: TokenCache, clock: Clock) -> None:
    cache.retire(SCOPE)
    clock.now += 40.0
    put(cache, "t", 3600.0)
    use(cache, clock, 60.0)
    cache.sweep()
    assert len(cache) == 1


def test_the_sweep_follows_the_wall_clock_too(
    cache: TokenCache, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(cache, "short", 100.0)
    cache._entries[KEY].wall_offset = time.time() - clock.now
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + 101.0)
    cache.sweep()
    assert len(cache) == 0
    # The deadline of a new token is not in the past for that.
    put(cache, "new", 3600.0)
    cache._entries[KEY].wall_offset = now() - clock.now
    assert cache.claim(KEY) == cache.get(KEY) == "new"


@pytest.fixture
def shared(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> Iterator[Clock]:
    """The process's cache, on a clock that the test moves."""
    clock = Clock()
    clock.now = elapsed()
    monkeypatch.setattr(token_cache.shared, "_clock", clock)
    token_cache.shared._plan_sweep()
    yield clock
    monkeypatch.undo()
    token_cache.shared._plan_sweep()


def held() -> set[str]:
    return {entry.token for entry in token_cache.shared._entries.values()}


def blocking(server: LocalVendo) -> None:
    with server.client() as client:
        client.token("gmail")
        client.for_user("ada.a.jwt").token("gmail")


def in_a_task(server: LocalVendo) -> None:
    async def main() -> None:
        async with server.async_client() as client:
            await client.token("gmail")
            await client.for_user("ada.a.jwt").token("gmail")

    asyncio.run(main())


@pytest.mark.parametrize("use_and_close", [blocking, in_a_task])
def test_closing_a_client_retires_its_tokens(
    server: LocalVendo, shared: Clock, use_and_close: Callable[[LocalVendo], None]
) -> None:
    use_and_close(server)
    assert len(held()) == 2
    shared.now += 45.0
    with server.client() as other:
        other.connections.list()
        assert not held()


def test_closing_the_client_of_a_user_retires_their_tokens_alone(
    server: LocalVendo, shared: Clock
) -> None:
    client = server.client()
    kept = client.token("gmail"), client.for_user("bob.b.jwt").token("gmail")
    with client.for_user("ada.a.jwt") as theirs:
        theirs.token("gmail")
    shared.now += 45.0
    client.connections.list()
    assert held() == set(kept)


def test_a_replaced_key_retires_its_tokens(
    vendo_mode: LocalVendo, shared: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = vendo.token("gmail")
    with LocalVendo(["gmail"]) as other:
        for name, value in other.environment().items():
            monkeypatch.setenv(name, value)
        new = vendo.token("gmail")
        assert held() == {old, new}
        shared.now += 45.0
        assert vendo.token("gmail") == new
    assert held() == {new}


def test_the_tokens_of_a_key_that_is_gone_are_dropped_at_once(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendo.token("gmail")
    monkeypatch.delenv("VENDO_API_KEY")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    vendo.token("openai")
    assert not held()


def jwt_of(claims: object) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJIUzI1NiJ9.{payload}.signature"


def test_a_users_token_is_kept_no_longer_than_their_jwt(server: LocalVendo) -> None:
    client = server.client()
    for seconds in (600, 3000):
        client.for_user(jwt_of({"exp": int(time.time()) + seconds})).token("gmail")
        client.for_user(jwt_of({"exp": int(time.time()) + seconds})).tokens(["slack"])
    client.for_user(jwt_of({"sub": "without an end"})).token("gmail")

    left = sorted(entry.expires_at - elapsed() for entry in token_cache.shared._entries.values())
    assert [round(seconds, -2) for seconds in left] == [600, 600, 3000, 3000, 3600]


def test_the_token_of_an_expired_jwt_is_not_kept(server: LocalVendo) -> None:
    client = server.client().for_user(jwt_of({"exp": 1}))
    assert client.token("gmail")
    assert not held()


@pytest.mark.parametrize(
    ("jwt", "expected"),
    [
        (jwt_of({"exp": 1764000000}), 1764000000.0),
        (jwt_of({"exp": 1764000000.5}), 1764000000.5),
        (jwt_of({"exp": True}), None),
        (jwt_of({"exp": "1764000000"}), 1764000000.0),
        (jwt_of({"exp": "tomorrow"}), None),
        (jwt_of({"exp": "inf"}), None),
        (jwt_of({"exp": None}), None),
        (jwt_of({"exp": float("nan")}), None),
        (jwt_of({"exp": 10**400}), None),
        (jwt_of([1]), None),
        (jwt_of("text"), None),
        ("one", None),
        ("a..b", None),
        ("a.%%%.b", None),
        ("a.W1tbW1tbW1tb.b", None),
        (f"a.{base64.b64encode(b'[' * 100_000).decode()}.b", None),
    ],
)
def test_what_a_jwt_says_of_its_end(jwt: str, expected: float | None) -> None:
    assert expiry_of(Secret(jwt)) == expected
