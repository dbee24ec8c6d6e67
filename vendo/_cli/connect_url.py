"""`connect-url SLUG`: where a person connects a provider."""

from __future__ import annotations

import vendo
from vendo._cli import terminal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace


def run(options: Namespace) -> int:
    """Print the address, which holds the API key (Vendo mode)."""
    url = vendo.connect_url(options.slug, return_to=options.return_to, state=options.state)
    terminal.write(url)
    return 0
