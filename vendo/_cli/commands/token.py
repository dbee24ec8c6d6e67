"""`token SLUG`: print a token and nothing else."""

from __future__ import annotations

import vendo
from vendo._cli import arguments, output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace

HELP = """\
Print the token of a provider and nothing else. Both modes.

examples:
  python -m vendo token openai
  curl -H "Authorization: Bearer $(python -m vendo token github)" https://api.github.com/user"""


def add_arguments(parser: ArgumentParser) -> None:
    """Define the arguments."""
    arguments.add_slug(parser)


def run(options: Namespace) -> int:
    """Print the token of `options.slug`."""
    output.write_token(vendo.token(options.slug))
    return 0
