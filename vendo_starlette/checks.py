"""What is checked when an application starts: its key, and its required credentials."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import vendo
from vendo import NotConnected, RateLimited, UpstreamError, VendoError, sso
from vendo.web import ReplayCache, check_client, has_webhook_secret, impatient, is_missing
from vendo_starlette.clients import Clients
from vendo_starlette.concurrency import call
from vendo_starlette.connect import RULE, endpoints
from vendo_starlette.webhooks import RECEIVES

# Not the logger "vendo", which is silent: a server without any logging set up shows it.
_logger = logging.getLogger("vendo_starlette")


async def check_start(clients: Clients, app: object = None) -> None:
    """Make sure that the key is well formed, and that the required slugs have credentials.

    An application starts also while Vendo does not respond or limits the rate: that is logged.

    Raises:
        NotConnected: slugs have no credential; the text names each with what to do.
        MissingExtra: the settings name a Redis, and the package `redis` is not installed.
        ValidationError: with `watch`, the Redis does not accept the password or is too old. One
            that is away is logged.
        VendoError: the key or an address is malformed, or Vendo rejects the key.
    """
    client = clients.asynchronous()
    check_client(client)
    clients.replay_store()  # validates its URL, and connects to nothing
    watch = clients.watch()
    if watch is not None:
        await call(watch.check)
        watch.begin()
    if client.is_vendo_mode():
        _warn_of_routes(clients, app)
    required = clients.settings.required
    if not required or not issubclass(type(client), vendo.AsyncVendo):
        return  # a mock of `unittest` has no credentials
    client = impatient(client)
    try:
        missing = await _missing(client, required)
        problems = [problem for slug in missing if (problem := await _problem(client, slug))]
    except (RateLimited, UpstreamError) as error:
        _logger.warning("The required credentials were not checked: %s", error)
        return
    if problems:
        raise NotConnected("binding_missing", "\n".join(problems))


def _warn_of_routes(clients: Clients, app: object) -> None:
    """Log what in `vendo_routes()` is closed to everybody, or for webhooks not set up."""
    routed = list(endpoints(app))
    rules = [getattr(endpoint, RULE) for endpoint in routed if hasattr(endpoint, RULE)]
    if None in rules and not sso.is_enabled():
        _logger.warning(
            "The connect route is closed: no rule lets users connect providers. Fix: write "
            "vendo_routes(may_connect=...), with a function of request and slug. All who can open "
            "the route hold the API key."
        )
    if not any(getattr(endpoint, RECEIVES, False) for endpoint in routed):
        return
    if not has_webhook_secret(clients.settings.webhook_secrets):
        _logger.warning(
            "The webhook route has no secret, and rejects every webhook. Fix: set "
            "VENDO_WEBHOOK_SECRET, or VendoSettings(webhook_secrets=...)."
        )
    elif isinstance(clients.replay_store(), ReplayCache):
        _logger.warning(
            "Two processes may handle one webhook: the replay store is in memory. Fix: set "
            "VENDO_REDIS_URL, or VendoSettings(redis_url=...)."
        )


async def _missing(client: vendo.AsyncVendo, required: Sequence[str]) -> list[str]:
    return [slug for slug, token in (await client.tokens(required)).items() if token is None]


async def _problem(client: vendo.AsyncVendo, slug: str) -> str | None:
    """Return why a credential is missing: the response for several does not contain it.

    None where the provider was connected meanwhile.
    """
    try:
        await client.token(slug)
    except VendoError as error:
        if not is_missing(error):
            raise
        return f"required= names {slug!r}. {error}"
    return None
