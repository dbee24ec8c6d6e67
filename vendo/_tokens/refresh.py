"""How a token gets into the cache: single flight, refresh, and the way through an outage.

These are flows without I/O (see `vendo._protocol.steps`): blocking and asyncio clients drive the
same ones, and meet in the same cache.
"""

from __future__ import annotations

import time

from vendo._protocol.credentials import fetch_token, fetch_tokens
from vendo._protocol.error_responses import is_lasting, is_none_to_be_had
from vendo._protocol.log import logger
from vendo._protocol.steps import Spawn, Wait
from vendo._tokens.cache import Claim, Flight, TokenCache
from vendo.errors import RateLimited, UpstreamError, UpstreamTimeout, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vendo._protocol.calls import Caller
    from vendo._protocol.credentials import Issued
    from vendo._protocol.steps import Flow
    from vendo._tokens.cache import CacheKey


def obtain(cache: TokenCache, caller: Caller, key: CacheKey) -> Flow[str]:
    """A token for `key`: the cached one, or one that is fetched by this caller or by another."""
    deadline = time.monotonic() + caller.timeout
    lost: Flight | None = None
    while True:
        claim = cache.claim(key, caller.timeout, lost)
        if isinstance(claim, str):
            return claim
        if claim.lead:
            yield Spawn(_fetch(cache, caller, claim.flight), [claim.flight])
        token = yield from _await(claim.flight, deadline)
        if token is not None:
            return token
        lost = claim.flight
        _check_time(deadline, key)


def obtain_many(
    cache: TokenCache, caller: Caller, keys: Sequence[CacheKey]
) -> Flow[dict[str, str | None]]:
    """Tokens for many keys of one scope, by slug, fetched in one request for all that is missing.

    A slug without a credential has None.
    """
    deadline = time.monotonic() + caller.timeout
    found: dict[str, str | None] = {}
    wanted: dict[CacheKey, Flight | None] = dict.fromkeys(keys)  # and what it waited for in vain
    while wanted:
        claims = {key: cache.claim(key, caller.timeout, lost) for key, lost in wanted.items()}
        led = [claim.flight for claim in claims.values() if isinstance(claim, Claim) and claim.lead]
        missing: set[str] = set()
        if led:
            yield Spawn(_fetch_many(cache, caller, led, missing), led)
        wanted = {}
        for key, claim in claims.items():
            if isinstance(claim, str):
                found[key[3]] = claim
                continue
            try:
                token = yield from _await(claim.flight, deadline)
            except VendoError as error:
                if not is_none_to_be_had(error):
                    raise
                found[key[3]] = None  # somebody else asked for this slug alone and was told so
                continue
            if token is not None or key[3] in missing:
                found[key[3]] = token
            else:
                wanted[key] = claim.flight  # abandoned, or left with its loop
        if wanted:
            _check_time(deadline, next(iter(wanted)))
    return found


def _await(flight: Flight, deadline: float) -> Flow[str | None]:
    # A leader has nothing to wait for: its flight has ended when its step is done.
    if flight.done is not None:
        left = max(deadline - time.monotonic(), 0.0)
        if (yield Wait(flight.done, left, flight)) is False:
            raise _too_late(flight.key)
    return flight.outcome()


def _check_time(deadline: float, key: CacheKey) -> None:
    """Stop one whose fetches are given up again and again."""
    if time.monotonic() >= deadline:
        raise _too_late(key)


def _too_late(key: CacheKey) -> UpstreamTimeout:
    return UpstreamTimeout(
        "upstream_error",
        f"No token for {key[3]} within the time-out.",
        slug=key[3],
        suggested_fix="Try again, or give the client a longer timeout= (seconds).",
    )


def _fetch(cache: TokenCache, caller: Caller, flight: Flight) -> Flow[None]:
    """Fetch the token of a flight and end it. What goes wrong is told to whoever waits."""
    credentials_url, _key, _user, slug = flight.key
    try:
        attempts = _attempts([flight])
        issued = yield from fetch_token(caller, credentials_url, slug, attempts=attempts)
        cache.land(flight, issued.token, issued.lifetime, issued.asked_at)
    except VendoError as error:
        _settle_failure(cache, [flight], error)
    finally:
        cache.abandon(flight)  # cancelled or interrupted: no effect on a flight that has ended


def _fetch_many(
    cache: TokenCache, caller: Caller, flights: Sequence[Flight], missing: set[str]
) -> Flow[None]:
    slugs = [flight.key[3] for flight in flights]
    try:
        issued = yield from fetch_tokens(
            caller, flights[0].key[0], slugs, attempts=_attempts(flights)
        )
        for flight in flights:
            _land_one(cache, flight, issued[flight.key[3]], missing)
    except VendoError as error:
        _settle_failure(cache, flights, error)
    finally:
        for flight in flights:
            cache.abandon(flight)


def _attempts(flights: Iterable[Flight]) -> int | None:
    """One try is enough with good tokens at hand: nobody has to wait out the pauses."""
    return 1 if all(flight.fallback is not None for flight in flights) else None


def _land_one(cache: TokenCache, flight: Flight, issued: Issued | None, missing: set[str]) -> None:
    if issued is not None:
        cache.land(flight, issued.token, issued.lifetime, issued.asked_at)
        return
    # The bulk answer does not say why. Whoever waits for this slug alone is to ask and be told.
    missing.add(flight.key[3])
    cache.abandon(flight, drop=True)


def _settle_failure(cache: TokenCache, flights: Iterable[Flight], error: VendoError) -> None:
    for flight in flights:
        if cache.fail(flight, error.replace(), transient=_is_transient(error)):
            logger.warning(
                "Could not refresh the token for %s (%s); the present one is still good.",
                flight.key[3],
                error.code,
            )


def _is_transient(error: VendoError) -> bool:
    """True where the token at hand may well be good still: the backend had trouble of its own."""
    if isinstance(error, UpstreamError | RateLimited):
        return True
    return (error.status or 0) >= 500 and not is_lasting(error)
