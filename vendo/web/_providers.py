"""What an adapter needs to know about a provider: its name, its hosts, its base URL."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import vendo
from vendo import _client
from vendo._catalog import catalog
from vendo._client.base import BaseClient
from vendo._client.cached import twin
from vendo._config import environment
from vendo._config.slugs import checked_slug
from vendo._protocol.origins import given_origin

_Client = TypeVar("_Client", bound=BaseClient)

#: Seconds that a page or a start waits for Vendo.
_PATIENCE = 5.0


def impatient(client: _Client) -> _Client:
    """Return a client whose calls take at most five seconds, for a page and for a start.

    A page that waits for a backend which hangs would end with the worker of the server, and so
    would an application that does not start. A mock of `unittest` is returned as it is.
    """
    if not issubclass(type(client), BaseClient):
        return client
    limited = twin(client)
    limited._settings = client._settings.within(_PATIENCE)
    return limited


def connected_slugs(client: vendo.Vendo) -> frozenset[str]:
    """Return the slugs of the connected providers, for a page. Both modes.

    Raises:
        AuthError, UpstreamError: as for `client.connections.list`.
    """
    return frozenset(impatient(client).connections.connected_slugs())


def provider_name(slug: str) -> str:
    """Return a provider's display name, or the slug where the catalog does not have it."""
    row = catalog.provider(slug.lower())
    return row.name if row else slug


def provider_base_url(
    slug: str, base_url: str | None = None, *, client: BaseClient | None = None
) -> str | None:
    """Return what a session resolves relative URLs against, without a slash at its end, or None.

    Args:
        slug: the provider.
        base_url: what the session is given in place of `<SLUG>_BASE_URL` and the catalog's.
        client: the session's client. With a local server, its fake provider precedes the catalog.

    Raises:
        ValidationError: the slug, the base URL or the variable's value is malformed.
    """
    from vendo._sessions.base_urls import catalog_base_url, default_base_url, fake_provider

    slug = checked_slug(slug)
    row = catalog.provider(slug)
    if base_url is not None:
        return given_origin(base_url, "base_url=", catalog_base_url(row))
    fake = None if client is None else fake_provider(client._local_server(), slug)
    return default_base_url(environment.base_url_variable(slug), row, fake)


def checked_session(
    slug: str, hosts: Iterable[str], base_url: str | None, override: bool = False
) -> tuple[str, tuple[str, ...], str | None, bool]:
    """Return the arguments of a session as values that can be compared and kept.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed, or `override` is not a bool.
    """
    from vendo._sessions.policy import Policy

    slug = checked_slug(slug)
    if isinstance(hosts, Iterable) and not isinstance(hosts, str):
        hosts = tuple(hosts)
    Policy(slug, hosts, base_url, override=override)  # validates them
    return slug, tuple(hosts), base_url, override


def httpx_auth_without_proxies(
    client: BaseClient, slug: str, hosts: Iterable[str] = (), *, override: bool = False
) -> _client.VendoHttpxAuth:
    """Return `httpx_auth` of a client, for a transport that uses no proxy for plain http.

    Raises:
        MissingExtra: neither httpx2 nor httpx is installed.
        ValidationError: the slug or a host is malformed.
    """
    auth = client.httpx_auth(slug, hosts=tuple(hosts), override=override)
    auth._is_direct = True
    return auth
