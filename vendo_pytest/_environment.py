"""The variables of credentials: what the suite, fixtures of a wider scope, and a test have set."""

from __future__ import annotations

import os
from collections.abc import Mapping

from vendo.testing import credential_variables
from vendo_pytest._variables import put

Changes = dict[str, str | None]

_OWN_PREFIX = "VENDO_"


class Layer:
    """Who runs now: a test, or a fixture of a wider scope that is set up or torn down for it.

    Args:
        scope: that of the fixture, `function` for a test; None outside of tests.
        fixture: the fixture that is set up, whose changes stay until it is torn down.
        given: variables that it finds, and that are not its own.
        uses_server: the library uses the session's server meanwhile.
        is_live: real credentials may be used.
    """

    def __init__(
        self,
        scope: str | None,
        *,
        fixture: object = None,
        given: Mapping[str, str | None] | None = None,
        uses_server: bool = False,
        is_live: bool = False,
    ) -> None:
        self.scope = scope
        self.fixture = fixture
        self.given_variables: Mapping[str, str | None] = given or {}
        self.uses_server = uses_server
        self.is_live = is_live
        #: What the fixture has changed.
        self.changes: Changes = {}
        #: What a test has changed, and what of it ends with the test also without isolation.
        self.own: Changes = {}
        self.ending: Changes = {}

    @property
    def lasting(self) -> Changes:
        """What the code under test has changed itself."""
        return {
            name: value
            for name, value in self.own.items()
            if name not in self.ending or self.ending[name] != value
        }

    def set(self, name: str, value: str | None) -> None:
        """Set a variable until the end of the test, or remove it if the value is None."""
        self.ending[name] = value
        put(name, value)


class Environment:
    """The variables of credentials, put together for the test or fixture that runs.

    At the bottom is what is set outside of tests, or under `vendo_isolate` what the ini file sets.
    On it is what fixtures of a wider scope have set, for as long as they last, and on top what is
    the test's own. A fixture of a wider scope does not find the test's own, so it is the same for
    each test. For those who use the session's server, its variables take the place of the bottom,
    and for those who are live, real ones come on top of it: what others of a wider scope have set
    does not count there, and what those of their kind have set does.

    Args:
        given: the variables of the ini file.
        real: the variables of the machine that are removed.
        isolates: True under `vendo_isolate`.
    """

    def __init__(
        self, given: Mapping[str, str], real: Mapping[str, str], *, isolates: bool
    ) -> None:
        self._given = given
        self._isolates = isolates
        self._layers = [Layer(None)]
        self._real = real
        #: fixture -> its setup, in the order of their changes
        self._setups: dict[object, Layer] = {}
        self._outside: Changes = dict(found())
        #: What the current layer began with; the difference is its own.
        self._shown = found()
        #: The variables of the session's server; empty without one.
        self._of_server: Mapping[str, str] = {}

    @property
    def current(self) -> Layer:
        """Who runs now."""
        return self._layers[-1]

    @property
    def uses_server(self) -> bool:
        """True while the library uses the session's server."""
        return bool(self._of_server) and self.current.uses_server

    def enter(self, layer: Layer) -> None:
        """Begin with a test, or interrupt it for a fixture of a wider scope."""
        self._keep()
        if not self._isolates:
            # Without isolation, nothing hides what a program has set.
            lasting = {name: value for one in self._layers for name, value in one.lasting.items()}
            layer.given_variables = {**lasting, **layer.given_variables}
        self._layers.append(layer)
        self._show()

    def leave(self) -> None:
        """End with the current layer, and go on with the one below."""
        self._keep()
        layer = self._layers.pop()
        if not self._isolates:
            self._assign(layer.lasting)
        if layer.fixture is not None and layer.uses_server and not self.current.is_live:
            self.current.uses_server = True  # it has the fixture's from now on
        self._show()

    def end_test(self) -> None:
        """Undo what is the test's own: it is over, and fixtures of a wider scope may end."""
        self._keep()
        test = self.current
        if not self._isolates:
            self._assign(test.lasting)
        test.own, test.ending = {}, {}
        test.is_live = test.uses_server = False
        self._show()

    def begin_server(self, variables: Mapping[str, str]) -> None:
        """Use the session's server with these variables from now on; end it if there are none."""
        self._keep()
        self._of_server = variables
        self.current.uses_server = True
        self._show()

    def use_server(self) -> None:
        """Use the session's server from now on, except in a live test."""
        if not self.current.uses_server and not self.current.is_live:
            self._keep()
            self.current.uses_server = True
            self._show()

    def is_user(self, fixture: object) -> bool:
        """True for a fixture that is set up, and used the session's server for that."""
        return fixture in self._setups and self._setups[fixture].uses_server

    def drop_fixture(self, fixture: object) -> None:
        """Undo what a fixture changed that is never torn down."""
        self._setups.pop(fixture, None)
        self._show()

    def end_fixture(self, fixture: object) -> None:
        """Forget what a fixture changed: what its teardown left of it is no longer the suite's."""
        self._setups.pop(fixture, None)
        self._shown = self._wanted()

    def _keep(self) -> None:
        """Note what the current layer has changed."""
        layer, now = self.current, found()
        changed = {
            name: now.get(name)
            for name in self._shown.keys() | now.keys()
            if self._shown.get(name) != now.get(name)
        }
        if layer.fixture is not None:
            self._setups.pop(layer.fixture, None)
            self._setups[layer.fixture] = layer
            layer.changes |= changed
        elif layer.scope is None:
            self._outside.update(changed)
        else:
            layer.own = changed

    def _assign(self, changed: Changes) -> None:
        """Let a change last: as the fixture's that has the variable, or as one outside of tests."""
        for name, value in changed.items():
            owners = [one.changes for one in self._setups.values() if name in one.changes]
            (owners[-1] if owners else self._outside)[name] = value

    def _wanted(self) -> dict[str, str]:
        layer, setups = self.current, list(self._setups.values())
        bottom: Mapping[str, str | None] = self._outside
        middle: Mapping[str, str] = {}
        above: list[Layer] = []
        if self.uses_server:
            bottom, middle = {}, self._of_server
            above = [one for one in setups if one.uses_server]
        elif layer.is_live:
            middle = self._real
            above = [one for one in setups if one.is_live]
        elif self._isolates and layer.scope is not None:
            bottom = self._given
        below = [one for one in setups if one not in above]
        wanted: Changes = dict(bottom)
        for one in below:
            wanted.update(one.changes)
        wanted.update(middle)
        for one in above:
            wanted.update(one.changes)
        wanted.update(layer.given_variables)
        return {name: value for name, value in wanted.items() if value is not None}

    def _show(self) -> None:
        self._shown = self._wanted()
        wanted = {**self._shown, **self.current.own}
        now = found()
        for name in now.keys() | wanted.keys():
            if now.get(name) != wanted.get(name):
                put(name, wanted.get(name))


def found() -> dict[str, str]:
    """Return `VENDO_*` and every variable of the catalog that is set."""
    credentials = credential_variables()
    return {
        name: value
        for name, value in os.environ.items()
        if name in credentials or name.startswith(_OWN_PREFIX)
    }
