"""`catalog [SLUG]`: print the known providers and the variables of their credentials."""

from __future__ import annotations

from vendo._catalog import catalog
from vendo._cli import arguments, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = """\
List the known providers with their variables, or show one in full. Both modes.

examples:
  python -m vendo catalog
  python -m vendo catalog slack --json"""


def add_arguments(parser: ArgumentParser) -> None:
    """Define the arguments."""
    arguments.add_slug(parser, nargs="?")
    arguments.add_json(parser)


def run(options: Namespace) -> int:
    """Print the whole catalog, or one row of it in full."""
    if options.slug is None:
        _print_all(as_json=options.json)
        return 0
    provider = catalog.provider(options.slug)
    if provider is None:
        nearest = catalog.nearest(options.slug)
        output.report_failure(
            f"{options.slug!r} is not in the catalog.",
            fix=f"Did you mean {nearest!r}?" if nearest else None,
        )
        return 1
    if options.json:
        output.write_json(provider.as_dict())
    else:
        output.write("\n".join(output.table(_fields(provider))))
    return 0


def _print_all(*, as_json: bool) -> None:
    providers = [row for row in map(catalog.provider, catalog.slugs()) if row is not None]
    if as_json:
        output.write_json([provider.as_dict() for provider in providers])
        return
    rows = [
        (provider.slug, provider.name, provider.category, ", ".join(provider.env_vars))
        for provider in providers
    ]
    output.write("\n".join(output.table([("SLUG", "NAME", "CATEGORY", "VARIABLES"), *rows])))


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
