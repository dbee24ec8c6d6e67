"""What an adapter needs to know about a token: is it missing, does it expire, is it local."""

from __future__ import annotations

import math

from vendo._client.base import BaseClient
from vendo._config.slugs import name_of
from vendo._protocol.codes import is_missing_credential
from vendo._tokens.cache import shared
from vendo.errors import ValidationError, VendoError


def is_missing(error: VendoError) -> bool:
    """Return whether an error is about one provider alone.

    Such an error is a missing credential, or a malformed slug or variable. With other errors the
    backend failed, or rejected the key.

    Args:
        error: what a look-up raised.

    Returns:
        True for an error that other providers do not have.

    Example:
        ```python
        import vendo
        from vendo.web import is_missing

        try:
            vendo.token("no-such-provider")
        except vendo.VendoError as error:
            print(is_missing(error))  # True
        ```
    """
    return isinstance(error, ValidationError) or is_missing_credential(error)


def is_missing_file(error: VendoError) -> bool:
    """Return whether an error is about a file of a secret that is not mounted (yet).

    Args:
        error: what a look-up raised.

    Returns:
        True where `<VARIABLE>_FILE` names a file that does not exist.

    Example:
        ```python
        import os

        import vendo
        from vendo.web import is_missing_file

        os.environ["VENDO_TOKEN_OPENAI_FILE"] = "/run/secrets/openai"
        try:
            vendo.token("openai")
        except vendo.VendoError as error:
            print(is_missing_file(error))  # True
        ```
    """
    return isinstance(error, ValidationError) and error._is_of_missing_file


def is_local(slug: str, client: BaseClient) -> bool:
    """Return whether a token is found without a request, or known to be missing.

    Args:
        slug: the provider.
        client: the application's client.

    Returns:
        True in OSS mode, and where `VENDO_TOKEN_<SLUG>` is set.

    Raises:
        ValidationError: the slug is malformed.

    Example:
        ```python
        import vendo
        from vendo.web import is_local

        print(is_local("openai", vendo.Vendo()))  # False in Vendo mode
        ```
    """
    return not client.is_vendo_mode() or name_of(slug).override.has_value()


def token_expires(slug: str, client: BaseClient | None = None) -> bool:
    """Return whether the cached token of a slug is one that Vendo replaces after a while.

    Code that keeps such a token as a value keeps one that goes stale. It sends nothing. Both modes.

    Args:
        slug: the provider.
        client: the client that the token came from; by default that of `vendo.token`.

    Returns:
        True for such a token; False without one, and in OSS mode.

    Raises:
        ValidationError: the slug is malformed.

    Example:
        ```python
        import vendo
        from vendo.web import token_expires

        vendo.token("gmail")
        print(token_expires("gmail"))  # True in Vendo mode
        ```
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
