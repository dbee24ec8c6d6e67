"""`token SLUG`: print a token and nothing else."""

from __future__ import annotations

import vendo
from vendo._cli import output

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
    from vendo._cli import arguments  # imports argparse, which `main` spares this command

    arguments.add_slug(parser)


def run(options: Namespace) -> int:
    """Print the token of `options.slug`."""
    return print_token(options.slug)


def print_token(slug: str) -> int:
    """Print the token of a provider."""
    output.write_token(vendo.token(slug))
    return 0
