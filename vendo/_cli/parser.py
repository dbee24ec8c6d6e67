"""Parse the command line. `COMMANDS` lists the commands."""

from __future__ import annotations

import argparse
import re
from importlib import import_module

from vendo import __version__
from vendo._cli import output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Final, NoReturn

_PROGRAM = "python -m vendo"
_RUN = f"{_PROGRAM} run --slug openai -- python app.py"

#: Each command with its line in the list of commands. Its module in `commands` has the rest.
COMMANDS: Final = {
    "token": "print the token of a provider and nothing else",
    "run": "start a command with tokens in its environment",
    "doctor": "check the configuration and the backend",
    "catalog": "list the known providers, or show one",
    "connect": "print the link where a user connects a provider, and wait for it",
    "connect-url": "print the link where a user connects a provider",
    "events": "print the platform's events as they arrive",
    "serve": "run a Vendo backend on this machine",
    "server": "change a backend that serve runs",
    "demo": "walk through both modes on this machine",
}

_DESCRIPTION = """\
Credentials of third-party services, by name: from the environment in OSS mode, from Vendo where
VENDO_API_KEY is set."""

_EPILOG = """\
examples:
  python -m vendo token openai
  python -m vendo --env-file .env run --slug openai -- python app.py
  python -m vendo doctor

exit status: 0; 1 where the command fails or doctor finds a problem; 2 for a usage error; 130 after
Ctrl-C. With run, the status of the command."""


def parse(arguments: list[str]) -> argparse.Namespace:
    """Parse the arguments and load the file of `--env-file`.

    Returns:
        The options; `run` is the function of the command, and `program` is what follows `--`.

    Raises:
        SystemExit: 2 for a usage error, 0 after a help text.
        VendoError: `--env-file` needs an extra that is not installed.
    """
    parser = _make_parser()
    # What follows `--` is the command line of another program, and is not parsed.
    program: list[str] | None = None
    if "--" in arguments:
        end = arguments.index("--")
        arguments, program = arguments[:end], arguments[end + 1 :]
    options = parser.parse_args(arguments)
    if options.command != "run":
        if program is not None:
            parser.fail(
                f"{options.command} does not take a command after --.",
                fix=f"{_PROGRAM} {options.command}",
            )
    elif not program or not program[0]:
        parser.fail(
            "run needs a command after --.",
            fix=_RUN,
        )
    options.program = program
    if options.env_file is not None:
        _load(options.env_file, parser)
    return options


class Parser(argparse.ArgumentParser):
    """A parser that reports its errors like all other errors of the command line."""

    #: False to report an error in one line, without a fix.
    shows_fix = True

    def error(self, message: str) -> NoReturn:
        """Report a usage error that argparse has found, and exit with status 2."""
        if message.startswith("argument ") and message.endswith((".", "?")):
            # Only our own types raise whole sentences, which name the argument themselves.
            self.fail(message.partition(": ")[2])
        unknown = re.match(r"argument COMMAND: invalid choice: ('[^']*')", message)
        if unknown:
            self.fail(f"Unknown command {unknown[1]}: the commands are {', '.join(COMMANDS)}.")
        self.fail(f"{message[:1].upper()}{message[1:]}.")

    def fail(self, sentence: str, fix: str | None = None) -> NoReturn:
        """Report a usage error, and exit with status 2."""
        output.report_failure(
            sentence, fix=(fix or f"{self.prog} --help") if self.shows_fix else None
        )
        self.exit(2)


class _CommandParser(Parser):
    """The parser of one command. It imports the command's module when it is first used."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the arguments of the command, then parse."""
        name = self.prog.removeprefix(f"{_PROGRAM} ")
        module = import_module(f"vendo._cli.commands.{name.replace('-', '_')}")
        self.description, _, self.epilog = module.HELP.partition("\n\n")
        module.add_arguments(self)
        # Suppressed: its absence here must not undo an option before the command.
        add_env_file(self, default=argparse.SUPPRESS)
        self.set_defaults(run=module.run)
        options, unknown = super().parse_known_args(args, namespace)
        if unknown:
            # The parser of the whole line would name its own help text.
            fix = _RUN if name == "run" and not unknown[0].startswith("-") else None
            self.fail(f"Unrecognized arguments: {' '.join(unknown)}.", fix=fix)
        return options, unknown


def _make_parser() -> Parser:
    parser = Parser(
        prog=_PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"vendo-sdk {__version__}")
    add_env_file(parser, default=None)
    commands = parser.add_subparsers(
        dest="command", metavar="COMMAND", required=True, parser_class=_CommandParser
    )
    for name, summary in COMMANDS.items():
        commands.add_parser(
            name,
            help=summary,
            prog=f"{_PROGRAM} {name}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
    return parser


def add_env_file(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    """Add the option `--env-file`."""
    parser.add_argument(
        "--env-file",
        metavar="FILE",
        default=default,
        help="load NAME=value lines first; variables that are set are kept (extra: dotenv)",
    )


def _load(path: str, parser: Parser) -> None:
    from vendo._config.extras import require

    require("dotenv", "dotenv")
    from dotenv import load_dotenv

    try:
        # Some editors begin a file with a byte order mark, which is not part of the first name.
        with open(path, encoding="utf-8-sig") as file:  # noqa: PTH123  # pathlib would be one more import
            load_dotenv(stream=file)
    except OSError as error:
        parser.fail(
            f"--env-file cannot read {path}: {error.strerror}.",
            fix="Name a file of NAME=value lines that exists, such as --env-file .env.",
        )
    except ValueError:
        # The decoder's own message would quote the file.
        parser.fail(f"--env-file cannot read {path}: it is not UTF-8 text of NAME=value lines.")
