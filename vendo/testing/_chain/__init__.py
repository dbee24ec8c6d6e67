"""What a test framework's plugin needs of the core: variables, hosts, and the cache.

Only the core may be imported. The pytest plugin reaches the functions through `vendo.testing`.
"""

from __future__ import annotations

from functools import cache

from vendo._catalog import catalog
from vendo._config import environment
from vendo._config.slugs import checked_slug
from vendo._tokens.cache import shared


def override_variable(slug: str) -> str:
    """Return the name of the variable that overrides a credential.

    Args:
        slug: the provider, of the catalog or not.

    Returns:
        `VENDO_TOKEN_<SLUG>`.

    Raises:
        ValidationError: the slug is malformed.

    Example:
        ```python
        from vendo.testing import override_variable

        print(override_variable("app-database"))  # VENDO_TOKEN_APP_DATABASE
        ```
    """
    return environment.override_variable(checked_slug(slug)).name


def catalog_slugs() -> tuple[str, ...]:
    """Return every slug of the bundled catalog.

    Returns:
        The slugs in alphabetical order.

    Example:
        ```python
        from vendo.testing import catalog_slugs

        assert "openai" in catalog_slugs()
        ```
    """
    return catalog.slugs()


def provider_at(host: str) -> tuple[str, str] | None:
    """Return the real provider with a host. The host of its proxy at Vendo counts too.

    Args:
        host: the name of a host, in any case.

    Returns:
        The slug and the name of the provider; None for any other host.

    Example:
        ```python
        from vendo.testing import provider_at

        print(provider_at("api.openai.com"))  # ('openai', 'OpenAI')
        ```
    """
    found = catalog.provider_at(host.lower().removesuffix("."))
    return None if found is None else (found.slug, found.name)


@cache
def credential_variables() -> frozenset[str]:
    """Return every variable in the catalog: primaries, alternatives and companions.

    `<VARIABLE>_FILE`, which names the file of a credential, is one of them, and so is
    `<SLUG>_BASE_URL`, the address that a credential is sent to.

    Returns:
        The names of the variables.

    Example:
        ```python
        from vendo.testing import credential_variables

        assert {"OPENAI_API_KEY", "OPENAI_BASE_URL"} <= credential_variables()
        ```
    """
    names: set[str] = set()
    for provider in filter(None, map(catalog.provider, catalog.slugs())):
        names.add(environment.base_url_variable(provider.slug).name)
        variables = map(environment.CredentialVariable, provider.variables)
        names.update(environment.names_of(variables), provider.companions)
    return frozenset(names)


def forget_tokens() -> None:
    """Empty the token cache of this process. Fetches in progress do not fill it again.

    Example:
        ```python
        from vendo.testing import LocalVendo, forget_tokens

        with LocalVendo(["openai"]) as server:
            client = server.client()
            client.token("openai")
            forget_tokens()
            client.token("openai")
            print(server.count("credentials"))  # 2
        ```
    """
    shared.clear()
