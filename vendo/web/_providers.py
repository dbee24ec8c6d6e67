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
    """Return a client whose calls take at most five seconds. Both modes.

    It is for a page and for a start. A page that waits for a backend which hangs would end with the
    worker of the server, and so would an application that does not start.

    Args:
        client: the application's client. A mock of `unittest` is returned as it is.

    Returns:
        A client that shares the connections of `client`.

    Example:
        ```python
        import vendo
        from vendo.web import impatient

        print(len(impatient(vendo.Vendo(timeout=60)).token("openai")))
        ```
    """
    if not issubclass(type(client), BaseClient):
        return client
    limited = twin(client)
    limited._settings = client._settings.within(_PATIENCE)
    return limited


def connected_slugs(client: vendo.Vendo) -> frozenset[str]:
    """Return the slugs of the connected providers, for a page. Both modes.

    Args:
        client: the client of the request.

    Returns:
        The slugs. In OSS mode, those with a credential in the environment.

    Raises:
        AuthError, UpstreamError: as for `client.connections.list`.

    Example:
        ```python
        import vendo
        from vendo.web import connected_slugs

        print("gmail" in connected_slugs(vendo.Vendo()))
        ```
    """
    return frozenset(impatient(client).connections.connected_slugs())


def provider_name(slug: str) -> str:
    """Return a provider's display name.

    Args:
        slug: the provider.

    Returns:
        The catalog's name; the slug where the catalog does not have it.

    Example:
        ```python
        from vendo.web import provider_name

        print(provider_name("openai"))  # OpenAI
        ```
    """
    row = catalog.provider(slug.lower())
    return row.name if row else slug


def provider_base_url(
    slug: str, base_url: str | None = None, *, client: BaseClient | None = None
) -> str | None:
    """Return what a session resolves relative URLs against. Both modes.

    Args:
        slug: the provider.
        base_url: what the session is given in place of `<SLUG>_BASE_URL` and the catalog's.
        client: the session's client. With a local server, its fake provider precedes the catalog.

    Returns:
        The base URL without a slash at its end; None where the provider has none.

    Raises:
        ValidationError: the slug, the base URL or the variable's value is malformed.

    Example:
        ```python
        from vendo.web import provider_base_url

        print(provider_base_url("openai"))
        ```
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

    Args:
        slug: the provider.
        hosts: further hosts that may get the token.
        base_url: what relative URLs are resolved against, or None.
        override: whether a credential that a request comes with is replaced.

    Returns:
        The slug in lower case, the hosts as a tuple, and the other two as they are.

    Raises:
        ValidationError: the slug, a host or the base URL is malformed, or `override` is not a bool.

    Example:
        ```python
        from vendo.web import checked_session

        print(checked_session("OpenAI", ["api.example.com"], None))
        ```
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

    Args:
        client: the client of the request.
        slug: the provider.
        hosts: further hosts that may get the token.
        override: whether a credential that a request comes with is replaced.

    Returns:
        An `auth` of httpx2 or httpx.

    Raises:
        MissingExtra: neither httpx2 nor httpx is installed.
        ValidationError: the slug or a host is malformed.

    Example:
        ```python
        import httpx2

        import vendo
        from vendo.web import httpx_auth_without_proxies

        auth = httpx_auth_without_proxies(vendo.Vendo(), "openai")
        client = httpx2.Client(auth=auth, trust_env=False)
        ```
    """
    auth = client.httpx_auth(slug, hosts=tuple(hosts), override=override)
    auth._is_direct = True
    return auth
