"""Arguments that several commands have in common."""

from __future__ import annotations

import argparse

from vendo._catalog import catalog
from vendo._config.settings import MAX_TIMEOUT
from vendo._config.slugs import checked_slug
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def slug(text: str) -> str:
    """Convert an argument to a slug.

    Raises:
        ArgumentTypeError: it is malformed. The text is a whole sentence, as from every type here.
    """
    try:
        return checked_slug(text)
    except ValidationError as error:
        sentences = [error.message, error.suggested_fix or ""]
        raise argparse.ArgumentTypeError(" ".join(sentences).rstrip()) from None


def known_slug(text: str) -> str:
    """Convert an argument to a slug, unless it looks like a typing error.

    Raises:
        ArgumentTypeError: it is malformed, or almost a slug of the catalog.
    """
    found = slug(text)
    meant = None if catalog.provider(found) else catalog.nearest(found)
    # `openai-eu` is rather a name of the caller's own.
    if meant is not None and meant not in found and found not in meant:
        raise argparse.ArgumentTypeError(
            f"The catalog has no provider {found!r}. Did you mean {meant!r}?"
        )
    return found


def _timeout(text: str) -> float:
    """Convert the argument of `--timeout` to seconds.

    Raises:
        ArgumentTypeError: it is not a number, or out of range.
    """
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT:
        raise argparse.ArgumentTypeError(
            f"--timeout must be greater than 0 and at most {MAX_TIMEOUT:.0f} seconds, not {text!r}."
        )
    return seconds


def add_timeout(parser: argparse.ArgumentParser, default: float, what: str) -> None:
    """Add the option `--timeout`."""
    parser.add_argument(
        "--timeout",
        type=_timeout,
        default=default,
        metavar="SECONDS",
        help=f"{what} (default: {default:g})",
    )


def add_slug(parser: argparse.ArgumentParser, **options: Any) -> None:
    """Add the argument SLUG."""
    parser.add_argument(
        "slug", type=slug, metavar="SLUG", help="a provider, such as openai", **options
    )


def add_json(parser: argparse.ArgumentParser, text: str = "print JSON") -> None:
    """Add the option `--json`."""
    parser.add_argument("--json", action="store_true", help=text)
