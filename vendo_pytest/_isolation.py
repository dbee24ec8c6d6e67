"""The environment of each test under `vendo_isolate`: what the suite sets, and nothing else."""

from __future__ import annotations

import os

from vendo.testing import credential_variables
from vendo_pytest._variables import put

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from vendo_pytest._variables import Variables

_OWN_PREFIX = "VENDO_"


class Isolation:
    """The variables of credentials, in the tests of a run and outside of them.

    A test begins with those of the ini file and of fixtures of a wider scope that are set up. What
    the test, its own fixtures and the code under test set ends with it.

    Args:
        given: the variables of the ini file.
    """

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = given
        #: fixture -> what it changed, in the order of their setup
        self._of_fixtures: dict[object, dict[str, str | None]] = {}
        #: Those outside of tests, for example of a .env file that an import loaded.
        self._outside: dict[str, str] = {}

    def begin_test(self) -> None:
        """Note what is set outside of tests."""
        changed = self._changes()
        outside = {name: value for name, value in found().items() if name not in changed}
        # What a fixture changes was set like this before.
        kept = {name: value for name, value in self._outside.items() if name in changed}
        self._outside = outside | kept

    def isolate(self) -> None:
        """Leave what the ini file and the fixtures set."""
        self._replace({**self._given, **self._changes()})

    def end_test(self) -> None:
        """Undo what the test changed, and not what fixtures of a wider scope did."""
        self._replace({**self._outside, **self._changes()})

    def fixture_changed(
        self, fixture: object, before: Mapping[str, str], others: Mapping[str, str | None]
    ) -> None:
        """Note what the setup of a fixture changed, until it is torn down.

        Args:
            fixture: the fixture.
            before: what `found` returned before its setup.
            others: changes that are not the fixture's own.
        """
        after = found()
        changed = {
            name: after.get(name)
            for name in before.keys() | after.keys()
            if before.get(name) != after.get(name)
            and not (name in others and others[name] == after.get(name))
        }
        if changed:
            self._of_fixtures[fixture] = changed

    def fixture_ended(self, fixture: object) -> None:
        """Undo what a fixture that was torn down has left."""
        left = self._of_fixtures.pop(fixture, {})
        expected = {**self._given, **self._changes()}
        for name, value in left.items():
            if os.environ.get(name) == value:
                put(name, expected.get(name))

    def _changes(self) -> dict[str, str | None]:
        return {name: value for one in self._of_fixtures.values() for name, value in one.items()}

    def _replace(self, wanted: Mapping[str, str | None]) -> None:
        for name in found().keys() | wanted.keys():
            put(name, wanted.get(name))


def found() -> dict[str, str]:
    """Return `VENDO_*` and every variable of the catalog that is set."""
    credentials = credential_variables()
    return {
        name: value
        for name, value in os.environ.items()
        if name in credentials or name.startswith(_OWN_PREFIX)
    }


def isolate(variables: Variables, kept: Iterable[str]) -> None:
    """Remove `VENDO_*` and every variable of the catalog from the environment."""
    for name in found().keys() - set(kept):
        variables.set(name, None)
