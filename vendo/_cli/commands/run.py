"""`run --slug SLUG -- COMMAND`: start a command with tokens in its environment."""

from __future__ import annotations

import errno
import os
import signal
import sys

import vendo
from vendo._catalog import catalog
from vendo._cli import arguments, output
from vendo._config import environment
from vendo._protocol.secret import Secret
from vendo.errors import ValidationError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import ArgumentParser, Namespace
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

HELP = """\
Start a command with tokens in its environment, each in the variable that the provider's own tools
read (VENDO_TOKEN_<SLUG> for a provider outside the catalog). Nothing is started unless every slug
has a token. Both modes.

With --without-key the command gets these tokens, and not what gives it all others: VENDO_API_KEY,
VENDO_API_KEY_FILE and VENDO_WEBHOOK_SECRET are left out of its environment.

examples:
  python -m vendo run --slug openai --slug slack -- python app.py
  python -m vendo run --slug openai --without-key -- python report.py
  python -m vendo --env-file .env run -- python app.py"""

# The statuses of a shell for a command that does not exist, and for one that cannot be started.
_NOT_FOUND = 127
_NOT_STARTED = 126
#: Vendo's own secrets, and where they are.
_SECRETS = (environment.API_KEY, environment.WEBHOOK_SECRET)
_KEYS = (environment.API_KEY.name, environment.API_KEY.file.name, environment.WEBHOOK_SECRET.name)


def add_arguments(parser: ArgumentParser) -> None:
    """Define the arguments."""
    parser.usage = f"{parser.prog} [--slug SLUG]... [--without-key] -- COMMAND [ARGUMENT]..."
    parser.add_argument(
        "--slug",
        type=arguments.slug,
        action="append",
        dest="slugs",
        metavar="SLUG",
        default=[],
        help="add the token of this provider; may be given several times",
    )
    parser.add_argument(
        "--without-key",
        action="store_true",
        help=f"leave {', '.join(_KEYS[:-1])} and {_KEYS[-1]} out of the command's environment",
    )


def run(options: Namespace) -> int:
    """Replace this process with `options.program`. Return only where that fails."""
    tokens = _resolve(options.slugs)
    if tokens is None:
        return 1
    given = {_variable(slug): token for slug, token in tokens.items()}
    # Many programs reject a variable that is set both ways.
    replaced = {environment.CredentialVariable(name).file.name for name in given}
    kept = {name: value for name, value in os.environ.items() if name not in replaced}
    variables = {**kept, **given}
    if options.without_key:
        variables = _without_keys(variables)
    try:
        _start(options.program, variables)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        is_missing = error.errno == errno.ENOENT
        output.report_failure(
            f"{options.program[0]} could not be started ({reason}).",
            fix="Check its name, and that its folder is in PATH."
            if is_missing
            else f"Make it executable: chmod +x {options.program[0]}",
        )
        return _NOT_FOUND if is_missing else _NOT_STARTED


def _without_keys(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables without Vendo's own secrets, also under another name or in a text."""
    keys = [key for key in map(_text, _SECRETS) if key]
    return {
        name: value
        for name, value in variables.items()
        if name not in _KEYS and not any(key in value for key in keys)
    }


def _text(variable: environment.Variable) -> Secret:
    try:
        return Secret((variable.text() or "").strip())
    except ValidationError:
        return Secret()  # its file cannot be read, here or by the command


def _resolve(slugs: Sequence[str]) -> dict[str, Secret] | None:
    """Return the tokens, or None after an error for every slug without one."""
    tokens: dict[str, Secret] = {}
    complete = True
    for slug, token in vendo.tokens(slugs).items():
        try:
            # `tokens` gives no reason for a missing token, `token` raises it.
            tokens[slug] = Secret(vendo.token(slug) if token is None else token)
        except VendoError as error:
            output.report_error(error)
            complete = False
    return tokens if complete else None


def _variable(slug: str) -> str:
    provider = catalog.provider(slug)
    return provider.env_vars[0] if provider else environment.override_variable(slug).name


def _start(command: list[str], variables: Mapping[str, str]) -> NoReturn:
    output.flush()
    if sys.platform == "win32":
        import subprocess

        sys.exit(subprocess.call(command, env=variables))  # noqa: S603  # the user's own command
    # The command gets every signal, and its exit status is ours. Python ignores these two signals,
    # and the command would inherit that.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execvpe(command[0], command, variables)  # noqa: S606  # the user's own command
