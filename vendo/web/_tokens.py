"""What an adapter needs to know about a token: is it missing, does it expire, is it local."""

from __future__ import annotations

import math

from vendo._client.base import BaseClient
from vendo._config.slugs import name_of
from vendo._protocol.codes import is_missing_credential
from vendo._tokens.cache import shared
from vendo.errors import ValidationError, VendoError


def is_missing(error: VendoError) -> bool:
    """Return True for an error about one provider: no credential, or a malformed slug or variable.

    With other errors the backend failed, or rejected the key.
    """
    return isinstance(error, ValidationError) or is_missing_credential(error)


def is_missing_file(error: VendoError) -> bool:
    """Return True for an error about a file of a secret that is not mounted (yet)."""
    return isinstance(error, ValidationError) and error._is_of_missing_file


def is_local(slug: str, client: BaseClient) -> bool:
    """Return True where a token is found without a request, or known to be missing."""
    return not client.is_vendo_mode() or name_of(slug).override.has_value()


def token_expires(slug: str, client: BaseClient | None = None) -> bool:
    """Return True where the cached token of a slug is one that Vendo replaces after a while.

    Code that keeps such a token as a value keeps one that goes stale.

    Args:
        slug: the provider.
        client: the client that the token came from; by default that of `vendo.token`.
    """
    if client is None:
        from vendo._client import default

        client = default.client
    name = name_of(slug)
    scope = client._settings.scope()
    if scope is None or name.override.has_value():
        return False
    entry = shared._entries.get(client._key(scope, name))
    return entry is not None and math.isfinite(entry.expires_at)
