"""What an adapter wants to know of a provider and of its token."""

from __future__ import annotations

import math
from collections.abc import Iterable

from vendo._catalog import catalog
from vendo._client.base import BaseClient
from vendo._config import environment
from vendo._config.slugs import checked_slug, name_of
from vendo._protocol.codes import is_missing_credential
from vendo._protocol.origins import given_origin
from vendo._tokens.cache import shared
from vendo.errors import ValidationError, VendoError


def provider_name(slug: str) -> str:
    """A provider's name for people, or the slug itself where the catalog has no such provider."""
    row = catalog.provider(slug.lower())
    return row.name if row else slug


def is_missing(error: VendoError) -> bool:
    """True where an error says of one provider that there is no credential to be had for it.

    The others say nothing of it: the backend failed, or refuses the key.
    """
    return isinstance(error, ValidationError) or is_missing_credential(error)


def provider_base_url(slug: str, base_url: str | None = None) -> str | None:
    """What a session resolves relative URLs against, without a slash at its end.

    None where nothing is said.

    Args:
        slug: the provider.
        base_url: what the session is given in place of `<SLUG>_BASE_URL` and the catalog's.

    Raises:
        ValidationError: the slug, the base URL or the variable's value is malformed.
    """
    from vendo._sessions.policy import default_base_url

    slug = checked_slug(slug)
    if base_url is not None:
        return given_origin(base_url, "base_url=")
    return default_base_url(environment.base_url_variable(slug), catalog.provider(slug))


def checked_session(
    slug: str, hosts: Iterable[str], base_url: str | None
) -> tuple[str, tuple[str, ...], str | None]:
    """What a session is to be made of, as values that can be compared and kept.

    Raises:
        ValidationError: the slug, a host or the base URL is one that no session takes.
    """
    from vendo._sessions.policy import Policy

    slug = checked_slug(slug)
    if isinstance(hosts, Iterable) and not isinstance(hosts, str):
        hosts = tuple(hosts)
    Policy(slug, hosts, base_url)  # says so where one of them is no host, or all are something else
    return slug, tuple(hosts), base_url


def token_expires(slug: str, client: BaseClient | None = None) -> bool:
    """True where the token that is cached for a slug is one that Vendo replaces after a while.

    Whoever keeps such a token as a value, and does not ask for it again, keeps one that goes stale.

    Args:
        slug: the provider.
        client: whose token; by default that of the functions of the package `vendo`.
    """
    if client is None:
        from vendo._client import default

        client = default.client
    name = name_of(slug)
    scope = client._settings.scope()
    if scope is None or name.override.raw() is not None:
        return False
    entry = shared._entries.get(client._key(scope, name))
    return entry is not None and math.isfinite(entry.expires_at)
