"""One command from its line to its exit status."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from vendo._cli import terminal
from vendo._cli.parser import make_parser
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Callable, Sequence

# A shell gives the same statuses for a program that the signal itself ends.
_INTERRUPTED = 130
_BROKEN_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        arguments: what follows `python -m vendo`; by default, this process's own.

    Returns:
        The exit status: 0, 1 where what was asked for is not to be had, 130 after Ctrl-C, 141
        where nobody reads on.

    Raises:
        SystemExit: 2 for a line that is no command, 0 once a help text is printed.
    """
    parser = make_parser()
    options = _parsed(parser, sys.argv[1:] if arguments is None else list(arguments))
    try:
        if options.env_file is not None:
            _load(options.env_file, parser)
        status = _command(options)(options)
        terminal.flush()
    except VendoError as error:
        terminal.report(error)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BrokenPipeError:
        terminal.drop_output()
        return _BROKEN_PIPE
    except OSError as error:
        terminal.drop_output()
        terminal.report_failure(f"{error.strerror or type(error).__name__}".rstrip(".") + ".")
    else:
        return status
    return 1


def _parsed(parser: ArgumentParser, arguments: list[str]) -> Namespace:
    # What follows `--` is somebody else's command line, and nothing of it is ours to look at.
    command: list[str] | None = None
    if "--" in arguments:
        end = arguments.index("--")
        arguments, command = arguments[:end], arguments[end + 1 :]
    options = parser.parse_args(arguments)
    if options.command != "run":
        if command is not None:
            parser.error(f"{options.command} takes no command after --")
    elif not command or not command[0]:
        parser.error("run needs a command after --, such as: run --slug openai -- python app.py")
    options.program = command
    return options


def _command(options: Namespace) -> Callable[[Namespace], int]:
    # Each command imports what it needs; printing a token needs least.
    module = import_module(f"vendo._cli.{options.command.replace('-', '_')}")
    run: Callable[[Namespace], int] = module.run
    return run


def _load(path: str, parser: ArgumentParser) -> None:
    from vendo._config.extras import require

    require("dotenv", "dotenv")
    from dotenv import load_dotenv

    try:
        # Some editors begin a file with a byte order mark; it belongs to no variable's name.
        with open(path, encoding="utf-8-sig") as file:  # noqa: PTH123  # pathlib would be one more import
            load_dotenv(stream=file)
    except OSError as error:
        parser.error(f"--env-file {os.fspath(path)}: {error.strerror}")
    except ValueError:
        # The decoder's own words would repeat what is in the file.
        parser.error(f"--env-file {path}: this is no UTF-8 text of NAME=value lines")
