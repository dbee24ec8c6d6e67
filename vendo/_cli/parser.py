"""What the command line accepts, and the help texts."""

from __future__ import annotations

import argparse

from vendo import __version__
from vendo._config.settings import MAX_TIMEOUT
from vendo._config.slugs import checked_slug
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

_PROGRAM = "python -m vendo"

_DESCRIPTION = """\
Credentials of third-party services, by name: from the environment in OSS mode, from Vendo where
VENDO_API_KEY is set."""

_EPILOG = """\
examples:
  python -m vendo token openai
  python -m vendo --env-file .env run --slug openai -- python app.py
  python -m vendo doctor

exit status: 0; 1 where what was asked for is not to be had or fails; 2 for a line that is no
command; 130 after Ctrl-C. With run, the status of the command."""


class Parser(argparse.ArgumentParser):
    """A parser whose complaints look like every other error of the command line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the line, and end with status 2."""
        self.exit(2, f"error: {message}\nfix: {self.prog} --help shows what it takes.\n")


def make_parser() -> argparse.ArgumentParser:
    """The parser of the whole line, but for what follows `--`."""
    parser = Parser(
        prog=_PROGRAM,
        description=_DESCRIPTION,
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"vendo-sdk {__version__}")
    _add_env_file(parser, default=None)
    commands = _Commands(parser)

    command = commands.add("token", "print the token of a provider and nothing else")
    _add_slug(command)

    command = commands.add("run", "start a command with tokens in its environment")
    command.usage = f"{_PROGRAM} run [--slug SLUG]... -- COMMAND [ARGUMENT]..."
    command.add_argument(
        "--slug",
        type=_slug,
        action="append",
        dest="slugs",
        metavar="SLUG",
        default=[],
        help="a provider whose token the command gets; may be given several times",
    )

    command = commands.add("doctor", "show what vendo sees here, and what is wrong")
    _add_json(command)
    command.add_argument(
        "--timeout",
        type=_seconds,
        default=5.0,
        metavar="SECONDS",
        help="how long to wait for each answer of the backend (default: 5)",
    )

    command = commands.add("catalog", "list the known providers, or show one")
    _add_slug(command, nargs="?")
    _add_json(command)

    command = commands.add("connect-url", "print where a person connects a provider")
    _add_slug(command)
    command.add_argument("--return-to", metavar="URL", help="where the person comes back to")
    command.add_argument("--state", help="a text that comes back with the person")

    command = commands.add("events", "print the platform's events as they come")
    _add_json(command, "print one JSON object a line")

    command = commands.add("serve", "run a Vendo backend on this machine")
    command.add_argument("--port", type=_port, default=0, help="the port (default: any free one)")
    command.add_argument(
        "--connect",
        type=_slug,
        action="extend",
        nargs="+",
        metavar="SLUG",
        default=[],
        help="providers that are connected from the start",
    )
    _add_json(command, "print one JSON object in place of export lines")

    command = commands.add("demo", "walk through both modes on this machine")
    command.add_argument(
        "--interactive", action="store_true", help="wait for you to connect the provider yourself"
    )
    return parser


class _Commands:
    def __init__(self, parser: argparse.ArgumentParser) -> None:
        self._parsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(self, name: str, summary: str) -> argparse.ArgumentParser:
        description, _, examples = _TEXTS[name].partition("\n\n")
        command = self._parsers.add_parser(
            name,
            help=summary,
            description=description,
            epilog=examples,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        # Suppressed: left out here, it does not undo what stands before the command.
        _add_env_file(command, default=argparse.SUPPRESS)
        return command


def _add_env_file(parser: argparse.ArgumentParser, *, default: str | None) -> None:
    parser.add_argument(
        "--env-file",
        metavar="FILE",
        default=default,
        help="load NAME=value lines first; variables that are set stay (extra: dotenv)",
    )


def _add_slug(parser: argparse.ArgumentParser, nargs: str | None = None) -> None:
    parser.add_argument(
        "slug",
        type=_slug,
        nargs=nargs,
        metavar="SLUG",
        help="the provider, such as openai",
    )


def _add_json(parser: argparse.ArgumentParser, text: str = "print JSON") -> None:
    parser.add_argument("--json", action="store_true", help=text)


def _slug(text: str) -> str:
    try:
        return checked_slug(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 65_536):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; ports are 0 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds greater than 0 and up to {MAX_TIMEOUT:.0f}"
        )
    return seconds


_TEXTS = {
    "token": """\
Print the token of a provider and nothing else. Both modes.

examples:
  python -m vendo token openai
  curl -H "Authorization: Bearer $(python -m vendo token github)" https://api.github.com/user""",
    "run": """\
Start a command with tokens in its environment, each in the variable that the provider's own tools
read (VENDO_TOKEN_<SLUG> for a provider outside the catalog). Nothing is started unless every slug
has a token. Both modes.

examples:
  python -m vendo run --slug openai --slug slack -- python app.py
  python -m vendo --env-file .env run -- python app.py""",
    "doctor": """\
Show versions, mode, what resolves and from where, addresses, proxies and the backend's answers,
without any secret. The status is 1 where something is wrong. Both modes.

examples:
  python -m vendo doctor
  python -m vendo --env-file .env doctor --json""",
    "catalog": """\
List the known providers with their variables, or show one in full. Both modes.

examples:
  python -m vendo catalog
  python -m vendo catalog slack --json""",
    "connect-url": """\
Print the address at which a person connects a provider. It holds the API key: give it to that
person alone. Vendo mode.

examples:
  python -m vendo connect-url gmail
  python -m vendo connect-url gmail --return-to https://app.example.com/done --state 7""",
    "events": """\
Print the platform's events, one a line, until Ctrl-C. Vendo mode.

examples:
  python -m vendo events
  python -m vendo events --json | jq .kind""",
    "serve": """\
Run a Vendo backend on this machine until Ctrl-C, and print the variables that point programs at
it. Its key is good for this server alone.

examples:
  python -m vendo serve --connect openai gmail
  python -m vendo serve --port 8765 --connect openai --json""",
    "demo": """\
Walk through both modes, a token that expires and a person who connects a provider, against a
server on this machine. No account is needed, and nothing leaves the machine.

examples:
  python -m vendo demo
  python -m vendo demo --interactive""",
}
