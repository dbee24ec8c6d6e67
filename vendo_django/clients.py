"""The process's clients: one for blocking code, one for asyncio.

Not `client.py`: a submodule of that name would take the place of the function `client`.
"""

from __future__ import annotations

from typing import Any, TypeVar

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest

import vendo
from vendo.errors import AuthError, ValidationError
from vendo.web import VARY_ON_CLIENT, ClientCache, client_for_user, user_jwts
from vendo_django import settings
from vendo_django.identity import SentHeaders, sent_headers, used_headers

_Client = TypeVar("_Client", "vendo.Vendo", "vendo.AsyncVendo")


def _make_blocking(**options: Any) -> vendo.Vendo:
    from vendo.web import BlockingVendo, LoopWarning  # imported for the first client

    return BlockingVendo(
        LoopWarning("Write the view with def, or await aclient(request).session({slug!r})."),
        **options,
    )


_blocking: ClientCache[vendo.Vendo] = ClientCache(
    _make_blocking,
    settings.client_label,
    close=lambda client: client.close(),
)
# The connections of one for asyncio are closed with their event loop.
_asynchronous: ClientCache[vendo.AsyncVendo] = ClientCache(
    lambda **options: vendo.aio.client(**options),  # noqa: PLW0108  # as above
    settings.client_label,
)


def client(request: HttpRequest | None = None) -> vendo.Vendo:
    """Return the process's client, made of the setting `VENDO` and the environment. Both modes.

    It is made when it is first used, and made again when the settings change. Everything that comes
    from it shares its connections. `VENDO["CLIENT"]` takes its place.

    Args:
        request: if it carries a user's JWT, the client acts for that user. The result is the same
            as `request.vendo`, and needs no middleware.

    Returns:
        A `Vendo`, or the mock that `VENDO["CLIENT"]` names.

    Raises:
        ImproperlyConfigured: the settings or the key are malformed.

    Example:
        ```python
        from django.conf import settings

        from vendo_django import client

        settings.configure(VENDO={"TIMEOUT": 10})
        print(len(client().token("openai")))
        ```
    """
    return _of(request, settings.given_client() or _present(_blocking))


def aclient(request: HttpRequest | None = None) -> vendo.AsyncVendo:
    """Return the process's client for asyncio: await its methods. Both modes.

    `VENDO["ASYNC_CLIENT"]` takes its place.

    Args:
        request: if it carries a user's JWT, the client acts for that user.

    Returns:
        An `AsyncVendo`, or the mock that `VENDO["ASYNC_CLIENT"]` names.

    Raises:
        ImproperlyConfigured: the settings or the key are malformed.

    Example:
        ```python
        import asyncio

        from django.conf import settings

        from vendo_django import aclient

        async def main():
            print(len(await aclient().token("openai")))
            await aclient().aclose()

        settings.configure()
        asyncio.run(main())
        ```
    """
    return _of(request, settings.given_async_client() or _present(_asynchronous))


def _present(cache: ClientCache[_Client]) -> _Client:
    options = settings.client_options()
    client = cache.get(options)
    if client is not None:
        return client
    try:
        return cache.make(options)
    except (AuthError, ValidationError) as error:
        raise ImproperlyConfigured(f"vendo: {error}") from None


def _of(request: HttpRequest | None, client: _Client) -> _Client:
    if request is None:
        return client
    return client_of_headers(client, sent_headers(request), used_headers(request))


def client_of_headers(client: _Client, headers: SentHeaders, used: dict[str, None]) -> _Client:
    """Return the client that acts for the user in a request's headers.

    Args:
        client: the process's client.
        headers: see `sent_headers`.
        used: gets the headers that the response then depends on.
    """
    if client.is_vendo_mode():
        used.update(dict.fromkeys(VARY_ON_CLIENT))
    return client_for_user(client, user_jwts(headers))
