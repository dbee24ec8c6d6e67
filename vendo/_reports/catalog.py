"""The catalog, as `catalog` prints it: all of it, or one provider in full."""

from __future__ import annotations

from typing import Any

from vendo._catalog import catalog
from vendo._reports.tables import table
from vendo.errors import invalid


def catalog_rows(slug: str | None) -> list[dict[str, Any]] | dict[str, Any]:
    """Return a provider of the catalog as values for JSON, or all of them. Both modes, no request.

    Args:
        slug: the provider; None for all.

    Returns:
        A dict for one provider, a list of dicts for all.

    Raises:
        ValidationError: the catalog does not have the provider.

    Example:
        ```python
        import json

        from vendo.web import catalog_rows

        print(json.dumps(catalog_rows("openai"), indent=2))
        ```
    """
    return [row.as_dict() for row in _all()] if slug is None else _one(slug).as_dict()


def catalog_text(slug: str | None) -> str:
    """Return a provider of the catalog as a table for a terminal, or all of them.

    Args:
        slug: the provider; None for all.

    Returns:
        Lines without a line break at the end.

    Raises:
        ValidationError: the catalog does not have the provider.

    Example:
        ```python
        from vendo.web import catalog_text

        print(catalog_text("openai"))
        ```
    """
    if slug is not None:
        return "\n".join(table(_fields(_one(slug))))
    rows = [(row.slug, row.name, row.category, ", ".join(row.env_vars)) for row in _all()]
    return "\n".join(table([("SLUG", "NAME", "CATEGORY", "VARIABLES"), *rows]))


def _all() -> list[catalog.Provider]:
    return [row for row in map(catalog.provider, catalog.slugs()) if row is not None]


def _one(slug: str) -> catalog.Provider:
    provider = catalog.provider(slug)
    if provider is None:
        fix = catalog.did_you_mean(slug) or "Run python -m vendo catalog. It lists the slugs."
        raise invalid(f"{slug!r} is not in the catalog.", fix=fix)
    return provider


def _fields(provider: catalog.Provider) -> list[tuple[str, str]]:
    first, *others = provider.variables
    fields = {
        "slug": provider.slug,
        "name": provider.name,
        "category": provider.category,
        "variable": first,
        "or": ", ".join(others),
        "with": ", ".join(provider.companions),
        "sent as": _sent_as(provider),
        "hosts": ", ".join(provider.hosts) or "one for each customer: name yours with hosts=",
        "base URL": provider.base_url or "",
        "docs": provider.docs_url,
        "recipe": provider.recipe,
    }
    return [(name, value) for name, value in fields.items() if value]


def _sent_as(provider: catalog.Provider) -> str:
    if provider.path:
        return f"path {' or '.join(provider.path)}"
    if provider.basic is not None:
        return f"basic authentication {provider.basic}"
    name, value = provider.header
    if provider.key_prefix is None:
        return f"{name}: {value}"
    bearer = ": ".join(catalog.BEARER)
    return f"{name}: {value} where it begins with {provider.key_prefix}, else {bearer}"
