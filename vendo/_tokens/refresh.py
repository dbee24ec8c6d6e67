"""How a token gets into the cache: single flight, refresh, and what happens in an outage.

These are flows without I/O (see `vendo._protocol.steps`). Blocking and asyncio clients drive the
same flows, and share the cache.
"""

from __future__ import annotations

from vendo._protocol.codes import is_missing_credential, is_temporary
from vendo._protocol.credentials import fetch_token, fetch_tokens
from vendo._protocol.log import logger
from vendo._protocol.moments import elapsed
from vendo._protocol.secret import Secret, masked
from vendo._protocol.steps import Spawn, Wait
from vendo._tokens.cache import TokenCache
from vendo._tokens.flights import Claim, Flight
from vendo.errors import UpstreamTimeout, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from vendo._protocol.calls import Caller
    from vendo._protocol.credentials import Issued
    from vendo._protocol.steps import Flow
    from vendo._tokens.flights import CacheKey


def obtain(
    cache: TokenCache, caller: Caller, key: CacheKey, rejected: str | None = None
) -> Flow[Secret]:
    """Return the token for `key`: the cached one, or one that this or another caller fetches.

    `rejected` is the one that the caller used before, and the provider rejected.
    """
    deadline = elapsed() + caller.timeout
    lost: Flight | None = None
    while True:
        claim = cache.claim(key, caller.timeout, lost, rejected)
        if isinstance(claim, str):
            return Secret(claim)
        if claim.lead:
            yield Spawn(_fetch(cache, caller, claim.flight), [claim.flight])
        token = yield from _await(claim.flight, deadline)
        if token is not None:
            return Secret(token)
        lost = claim.flight
        _check_time(deadline, key)


def obtain_many(
    cache: TokenCache, caller: Caller, keys: Sequence[CacheKey]
) -> Flow[dict[str, Secret | None]]:
    """Return the tokens for many keys of one scope by slug, None for a slug without a credential.

    All that are not cached are fetched in one request.
    """
    deadline = elapsed() + caller.timeout
    found: dict[str, Secret | None] = {}
    wanted: dict[CacheKey, Flight | None] = dict.fromkeys(keys)  # and the flight that was abandoned
    while wanted:
        claims = {key: cache.claim(key, caller.timeout, lost) for key, lost in wanted.items()}
        led = [claim.flight for claim in claims.values() if isinstance(claim, Claim) and claim.lead]
        missing: set[str] = set()
        if led:
            yield Spawn(_fetch_many(cache, caller, led, missing), led)
        wanted = {}
        for key, claim in claims.items():
            if isinstance(claim, str):
                found[key[3]] = Secret(claim)
                continue
            try:
                token = yield from _await(claim.flight, deadline)
            except VendoError as error:
                if not is_missing_credential(error):
                    raise
                found[key[3]] = None  # another caller fetched this slug alone
                continue
            if token is not None or key[3] in missing:
                found[key[3]] = masked(token)
            else:
                wanted[key] = claim.flight  # abandoned
        if wanted:
            _check_time(deadline, next(iter(wanted)))
    return found


def _await(flight: Flight, deadline: float) -> Flow[str | None]:
    # The leader does not wait: its flight has ended when its step is done.
    if flight.done is not None:
        left = max(deadline - elapsed(), 0.0)
        if (yield Wait(flight.done, left, flight)) is False:
            raise _too_late(flight.key)
    return flight.outcome()


def _check_time(deadline: float, key: CacheKey) -> None:
    """Stop a caller whose flights are abandoned again and again."""
    if elapsed() >= deadline:
        raise _too_late(key)


def _too_late(key: CacheKey) -> UpstreamTimeout:
    return UpstreamTimeout(
        "upstream_error",
        f"The token for {key[3]} did not arrive within the time-out.",
        slug=key[3],
        suggested_fix="Try again, or pass the client a longer timeout= (seconds).",
    )


def _fetch(cache: TokenCache, caller: Caller, flight: Flight) -> Flow[None]:
    """Fetch the token of a flight and end it. Every waiting caller gets the token or the error."""
    credentials_url, _key, _user, slug = flight.key
    try:
        attempts = _attempts([flight])
        issued = yield from fetch_token(caller, credentials_url, slug, attempts=attempts)
        cache.land(flight, issued.token, issued.lifetime, issued.requested)
    except VendoError as error:
        _settle_failure(cache, [flight], error)
    finally:
        cache.abandon(flight)  # cancelled or interrupted; no effect on a flight that has ended


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
    """Return 1 if all flights have a token that is still good: no caller waits for retries.

    The caller of a rejected token does, but only in the first fetch of an outage.
    """
    fallbacks = [flight.fallback for flight in flights]
    is_good = all(entry and (entry.failures or not entry.is_rejected) for entry in fallbacks)
    return 1 if is_good else None


def _land_one(cache: TokenCache, flight: Flight, issued: Issued | None, missing: set[str]) -> None:
    if issued is not None:
        cache.land(flight, issued.token, issued.lifetime, issued.requested)
        return
    # The bulk response has no reason. A caller that waits for this slug alone fetches it itself.
    missing.add(flight.key[3])
    cache.abandon(flight, drop=True)


def _settle_failure(cache: TokenCache, flights: Iterable[Flight], error: VendoError) -> None:
    for flight in flights:
        if cache.fail(flight, error.replace(), transient=is_temporary(error)):
            entry = flight.fallback
            logger.warning(
                "Could not refresh the token for %s (%s). The cached one is %s.",
                flight.key[3],
                error.code,
                "kept: the provider rejected it, but accepted it before"
                if entry is not None and entry.is_rejected
                else "still good",
            )
