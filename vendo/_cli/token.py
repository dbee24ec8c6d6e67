"""`token SLUG`: print a credential and nothing else."""

from __future__ import annotations

import vendo
from vendo._cli import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def run(options: Namespace) -> int:
    """Print the token of `options.slug`."""
    terminal.write_credential(vendo.token(options.slug))
    return 0
