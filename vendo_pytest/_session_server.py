"""When the library uses the server of the session: for the tests and fixtures that ask for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import vendo.testing
from vendo.testing import forget_tokens
from vendo_pytest import _lookups
from vendo_pytest._isolation import isolate
from vendo_pytest._variables import Variables

NAME = "vendo_session_server"


class SessionServer:
    """What makes the library use the server, as long as it is meant.

    That is the setup of fixtures, a test with the server among its fixtures, and the teardown of
    fixtures of a wider scope. Other tests must not see it: the guard and the ini file's tokens are
    theirs.

    Args:
        given: the variables of the ini file, which the server takes the place of.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        self._variables = Variables()
        #: What a use changes; empty before the first one.
        self._changes: dict[str, str | None] = {}

    @property
    def is_used(self) -> bool:
        """True while the library uses it."""
        return bool(self._variables.changes)

    @property
    def changes(self) -> Mapping[str, str | None]:
        """The variables that it changes, with their values."""
        return self._changes

    def begin(self, server: vendo.testing.LocalVendo, kept: Iterable[str]) -> None:
        """Use a server for the first time; see `use`."""
        use(server, self._variables, kept)
        self._changes = {**dict.fromkeys(self._given), **self._variables.changes}

    def resume(self) -> None:
        """Use it again, if there is one."""
        self._variables.update(self._changes)

    def pause(self) -> None:
        """Do not use it until `resume`."""
        self._variables.undo()

    def end(self) -> None:
        """Never use it again."""
        self.pause()
        self._changes = {}


def use(server: vendo.testing.LocalVendo, variables: Variables, kept: Iterable[str]) -> None:
    """Make the whole library use a local server, and the tokens in the variables of `kept`."""
    _lookups.observe()
    isolate(variables, kept)
    forget_tokens()
    variables.update(server.environment())
