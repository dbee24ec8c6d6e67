"""`connect-url SLUG`: print the link where a user connects a provider."""

from __future__ import annotations

import vendo
from vendo._catalog import catalog
from vendo._cli import arguments, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = """\
Print the link where a user connects a provider. It contains the API key: give it to that user
alone. Vendo mode.

examples:
  python -m vendo connect-url gmail
  python -m vendo connect-url gmail --return-to https://app.example.com/done --state 7"""


def add_arguments(parser: ArgumentParser) -> None:
    """Define the arguments."""
    arguments.add_slug(parser)
    parser.add_argument("--return-to", metavar="URL", help="where the user is sent afterwards")
    parser.add_argument("--state", help="a text that is added to the URL of --return-to")


def run(options: Namespace) -> int:
    """Print the link, which contains the API key."""
    url = vendo.connect_url(options.slug, return_to=options.return_to, state=options.state)
    output.write(url)
    question = catalog.did_you_mean(options.slug) if not catalog.provider(options.slug) else None
    if question:  # only the backend knows all providers
        output.notify(f"note: {options.slug} is not in the catalog. {question}")
    return 0
