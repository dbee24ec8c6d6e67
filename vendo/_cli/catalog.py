"""`catalog [SLUG]`: which providers are known, and which variables hold their credentials."""

from __future__ import annotations

from vendo._catalog import catalog
from vendo._cli import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def run(options: Namespace) -> int:
    """Print the whole catalog, or one row of it in full."""
    if options.slug is None:
        _print_all(as_json=options.json)
        return 0
    provider = catalog.provider(options.slug)
    if provider is None:
        terminal.report_failure(f"{options.slug!r} is not in the catalog.")
        nearest = catalog.nearest(options.slug)
        if nearest:
            terminal.say(f"fix: Did you mean {nearest!r}?")
        return 1
    if options.json:
        terminal.write_json(provider.as_dict())
    else:
        terminal.write("\n".join(terminal.aligned(_described(provider))))
    return 0


def _print_all(*, as_json: bool) -> None:
    providers = [row for row in map(catalog.provider, catalog.slugs()) if row is not None]
    if as_json:
        terminal.write_json([provider.as_dict() for provider in providers])
        return
    rows = [
        (provider.slug, provider.name, provider.category, ", ".join(provider.env_vars))
        for provider in providers
    ]
    terminal.write("\n".join(terminal.aligned([("SLUG", "NAME", "CATEGORY", "VARIABLES"), *rows])))


def _described(provider: catalog.Provider) -> list[tuple[str, str]]:
    first, *others = provider.variables
    facts = {
        "slug": provider.slug,
        "name": provider.name,
        "category": provider.category,
        "variable": first,
        "or": ", ".join(others),
        "with": ", ".join(provider.companions),
        "sent as": _sent_as(provider),
        "hosts": ", ".join(provider.hosts),
        "base URL": provider.base_url or "",
        "docs": provider.docs_url,
    }
    return [(name, value) for name, value in facts.items() if value]


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
