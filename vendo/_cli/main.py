"""Run one command: from its arguments to its exit status."""

from __future__ import annotations

import sys

from vendo._cli import output
from vendo._config.slugs import checked_slug
from vendo.errors import ValidationError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# The statuses that a shell gives a program that SIGINT or SIGPIPE ends.
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows `python -m vendo`; by default, the arguments of this process.

    Returns:
        The exit status: 0, 1 where the command fails, 130 after Ctrl-C, 141 where the reader of
        the output has closed it.

    Raises:
        SystemExit: 2 for a usage error, 0 after a help text.
    """
    try:
        status = _run(sys.argv[1:] if arguments is None else list(arguments))
        output.flush()
    except VendoError as error:
        output.report_error(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        output.discard()
        return _BROKEN_PIPE
    except OSError as error:
        output.discard()
        output.report_failure(output.output_failure(error))
    else:
        return status
    return 1


def _run(arguments: list[str]) -> int:
    slug = _slug_of_token(arguments)
    if slug is not None:
        from vendo._cli.commands.token import print_token

        return print_token(slug)
    from vendo._cli.parser import parse

    options = parse(arguments)
    status: int = options.run(options)
    return status


def _slug_of_token(arguments: list[str]) -> str | None:
    """Return SLUG of `token SLUG`, or None for any other command line.

    Scripts start this command again and again, and argparse takes as long as the rest of vendo.
    """
    if len(arguments) != 2 or arguments[0] != "token":
        return None
    try:
        return checked_slug(arguments[1])
    except ValidationError:
        return None  # the parser reports it
