"""Run one command: from its arguments to its exit status."""

from __future__ import annotations

import sys

from vendo._cli import output
from vendo._cli.parser import parse
from vendo.errors import VendoError

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
        options = parse(sys.argv[1:] if arguments is None else list(arguments))
        status: int = options.run(options)
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
        output.report_failure(f"{error.strerror or type(error).__name__}".rstrip(".") + ".")
    else:
        return status
    return 1
