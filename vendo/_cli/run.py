"""`run --slug SLUG -- COMMAND`: a command with credentials in its environment."""

from __future__ import annotations

import errno
import os
import signal
import sys

import vendo
from vendo._catalog import catalog
from vendo._cli import terminal
from vendo._config.environment import override_variable
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Mapping, Sequence
    from typing import NoReturn

# What shells say of a command that is not there, and of one that cannot be started.
_NOT_FOUND = 127
_NOT_STARTED = 126


def run(options: Namespace) -> int:
    """Start `options.program` with the tokens of `options.slugs`. Returns where that fails."""
    tokens = _resolved(options.slugs)
    if tokens is None:
        return 1
    variables = {_variable(slug): token for slug, token in tokens.items()}
    try:
        _start(options.program, {**os.environ, **variables})
    except OSError as error:
        reason = error.strerror or type(error).__name__
        terminal.report_failure(f"{options.program[0]} could not be started ({reason}).")
        return _NOT_FOUND if error.errno == errno.ENOENT else _NOT_STARTED


def _resolved(slugs: Sequence[str]) -> dict[str, str] | None:
    """The tokens, or None once every slug without one is reported."""
    tokens: dict[str, str] = {}
    complete = True
    for slug, token in vendo.tokens(slugs).items():
        try:
            # Asked alone, a slug without a token says why it has none.
            tokens[slug] = vendo.token(slug) if token is None else token
        except VendoError as error:
            terminal.report(error)
            complete = False
    return tokens if complete else None


def _variable(slug: str) -> str:
    provider = catalog.provider(slug)
    return provider.env_vars[0] if provider else override_variable(slug).name


def _start(command: list[str], environment: Mapping[str, str]) -> NoReturn:
    terminal.flush()
    if sys.platform == "win32":
        import subprocess

        sys.exit(subprocess.call(command, env=environment))  # noqa: S603  # the person asked for it
    # The command takes this process's place, and with it every signal and the exit status. It is
    # not to inherit that Python ignores these two.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    os.execvpe(command[0], command, environment)  # noqa: S606  # the person asked for it
