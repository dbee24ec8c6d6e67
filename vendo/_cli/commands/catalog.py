"""`catalog [SLUG]`: print the known providers and the variables of their credentials."""

from __future__ import annotations

from vendo._cli import arguments, output
from vendo._reports.catalog import catalog_rows, catalog_text

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
    if options.json:
        output.write_json(catalog_rows(options.slug))
    else:
        output.write(catalog_text(options.slug))
    return 0
