"""What is checked with the packages of all providers."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any, TypeAlias
from unittest.mock import patch

import pytest

from support.shown import texts_of
from vendo._tokens.cache import shared

if TYPE_CHECKING:
    import vendo
    from vendo.testing import LocalVendo

#: What an SDK is given in place of a credential. It must not reach a provider, or a log.
DUMMY = "dummy-key-31c7"

#: Two users, by the text that is in each of their requests.
JWTS = {"ana-7f02": "jwt.of.ana", "ben-91ce": "jwt.of.ben"}
_CALLS = 5

#: It gets the client of a user, and returns what sends a request with a text.
MakeCall: TypeAlias = Callable[["vendo.Vendo"], Callable[[str], object]]
MakeAsyncCall: TypeAlias = Callable[["vendo.Vendo"], Callable[[str], Awaitable[object]]]


def fetches(server: LocalVendo) -> int:
    """Return the number of requests for credentials."""
    return server.count("credentials")


def provider_texts(server: LocalVendo, slug: str) -> list[str]:
    """Return each request that the fake provider received: its path, query, headers and body."""
    return [
        f"{seen.path}?{seen.raw_query}\n{dict(seen.headers)}\n{seen.body.decode()}"
        for seen in server.requests
        if seen.surface == "provider" and seen.slug == slug
    ]


def check_users_in_threads(
    server: LocalVendo, slug: str, client: vendo.Vendo, make: MakeCall, *, expire: bool = True
) -> None:
    """Let two users call at once, in threads, by default with tokens that expire meanwhile."""
    barrier = Barrier(len(JWTS))
    users = {name: make(client.for_user(jwt)) for name, jwt in JWTS.items()}

    def call(name: str) -> None:
        barrier.wait(timeout=30)
        for _ in range(_CALLS):
            users[name](name)

    tokens = _issued(server, slug)
    with ThreadPoolExecutor(len(JWTS)) as pool:
        list(pool.map(call, users))
        if expire:
            server.expire(slug)
        tokens |= _issued(server, slug)
        list(pool.map(call, users))
    _check_owners(server, slug, tokens)


async def check_users_in_tasks(
    server: LocalVendo, slug: str, client: vendo.Vendo, make: MakeAsyncCall
) -> None:
    """Let two users call at once, in tasks, with tokens that expire between their calls."""
    users = {name: make(client.for_user(jwt)) for name, jwt in JWTS.items()}
    tokens = _issued(server, slug)
    for _ in range(2):
        await asyncio.gather(*(call(name) for name, call in users.items() for _ in range(_CALLS)))
        server.expire(slug)
        tokens |= _issued(server, slug)
    _check_owners(server, slug, tokens)


def _issued(server: LocalVendo, slug: str) -> dict[str, str]:
    """Return the owner of each current token; the deployment has none of the two names."""
    owners: dict[str, str] = {server.token(slug): "the deployment"}
    return owners | {server.token(slug, jwt): name for name, jwt in JWTS.items()}


def _check_owners(server: LocalVendo, slug: str, tokens: dict[str, str]) -> None:
    texts = provider_texts(server, slug)
    for name in JWTS:
        own = [text for text in texts if name in text]
        assert len(own) >= 2 * _CALLS
        for text in own:
            assert {tokens[token] for token in tokens if token in text} == {name}


def check_other_401(
    server: LocalVendo,
    bad: Callable[[], object],
    good: Callable[[], object],
    error: type[BaseException],
) -> None:
    """Check that a 401 for another reason costs few requests, and no token.

    Args:
        server: it rejects the call `bad` each time; see `LocalVendo.respond`.
        bad: raises the SDK's error.
        good: another call, which the provider accepts.
        error: the SDK's class.
    """
    good()
    before = fetches(server)
    # Time stands still: the token that came again counts as the current one for a second.
    now = shared._clock()
    with patch.object(shared, "_clock", lambda: now):
        for _ in range(20):
            with pytest.raises(error):
                bad()
    assert fetches(server) - before == 1
    good()
    server.fail("credentials", status=503, times=None)
    with pytest.raises(error):
        bad()
    good()


class Shown:
    """Texts that a program may show, and the secrets that must not be in them."""

    def __init__(self) -> None:
        self._texts: list[str] = []
        self._secrets: dict[str, None] = {DUMMY: None}

    def allow_dummy(self) -> None:
        """Let the SDK show the dummy, which is no secret."""
        self._secrets.pop(DUMMY, None)

    def secrets(self, *secrets: str) -> None:
        """Add tokens to search for."""
        self._secrets |= dict.fromkeys(secrets)

    def add(self, *things: Any) -> None:
        """Add objects, each with its texts; an error with its chain."""
        for thing in things:
            self._texts += texts_of(thing)

    def check(self) -> None:
        """Fail if a secret is in one of the texts."""
        assert self._texts
        for secret in self._secrets:
            encoded = base64.b64encode(f"{secret}:".encode()).decode()
            # An SDK's own functions may have the dummy.
            texts = [text for text in self._texts if secret != DUMMY or not _is_frame(text)]
            found = [text for text in texts if secret in text or encoded in text]
            assert found == [], f"{secret} is shown"


def _is_frame(text: str) -> bool:
    return text.startswith("the frame ")
