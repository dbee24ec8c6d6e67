"""The state of one run of pytest, and of its current test."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping
from contextlib import contextmanager

import pytest

import vendo.testing
from vendo.testing import override_variable
from vendo_pytest import _interceptor, _lookups
from vendo_pytest._isolation import Isolation, found, isolate
from vendo_pytest._session_server import NAME, SessionServer, use
from vendo_pytest._tokens import checked_token, fake_token, parsed_tokens
from vendo_pytest._variables import Variables

#: A shorter token of another test may be a common word.
_SHORTEST_OF_RUN = 8
_MOST_OF_RUN = 1000


class Suite:
    """One run of pytest, with the options of its ini file and command line."""

    def __init__(self, config: pytest.Config) -> None:
        self.is_live: bool = _is_live(config)
        self._isolates: bool = config.getini("vendo_isolate") and not self.is_live
        self._has_guard: bool = config.getini("vendo_guard") and not self.is_live
        self._interceptor = _interceptor.RunInterceptor(self)
        self._variables = Variables()
        self._given: dict[str, str] = {}
        self._isolation = Isolation(self._given)
        self._test: TestScope | None = None
        self._records_run = False
        self._session_server = SessionServer(self._given)
        #: The scope of the fixture that is being set up.
        self._scope: str | None = None
        #: The tokens of the whole run, the newest last. A test may show one that it did not get.
        self._handed_out: dict[tuple[str, str], None] = {}
        tokens = parsed_tokens(config.getini("vendo_tokens"))
        _interceptor.running.append(self)
        config.add_cleanup(self._end)
        if self._isolates:
            isolate(self._variables, kept=())
        for slug, token in tokens.items():
            name = override_variable(slug)
            self._given[name] = token
            self._variables.set(name, token)
        self.slugs: tuple[str, ...] = tuple(tokens)
        if self._has_guard:
            self._interceptor.install()
            _lookups.observe()
        config.pluginmanager.register(self, "vendo-fixtures")

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_fixture_setup(
        self, fixturedef: pytest.FixtureDef[object]
    ) -> Generator[None, object, object]:
        """Note the scope of a fixture, for the text of an error, and what a wider one changes."""
        if self._test is not None:
            self._test.schedule_end()
        scope, self._scope = self._scope, fixturedef.scope
        is_tracked = self._isolates and fixturedef.scope != "function"
        before = found() if is_tracked else {}
        try:
            return (yield)
        finally:
            self._scope = scope
            if is_tracked:
                self._isolation.fixture_changed(fixturedef, before, self._session_server.changes)

    def pytest_fixture_post_finalizer(self, fixturedef: pytest.FixtureDef[object]) -> None:
        """Note the end of a fixture."""
        self._isolation.fixture_ended(fixturedef)

    def restore(self) -> None:
        """Restore the environment as it was before the run."""
        self._variables.undo()

    def _end(self) -> None:
        self._interceptor.remove()
        self.restore()
        _interceptor.running.remove(self)

    def header(self) -> str | None:
        """Return a line with the active options, without values."""
        parts = []
        if self.is_live:
            parts.append("real credentials may be used (--vendo-live)")
        if self._has_guard:
            parts.append("guard")
        if self._isolates:
            parts.append("isolated environment")
        if self.slugs:
            parts.append(f"test tokens for {', '.join(self.slugs)}")
        return f"vendo: {', '.join(parts)}" if parts else None

    @property
    def guards(self) -> bool:
        """True if a credential that the test did not provide is an error now."""
        return self._has_guard and not (self._test is not None and self._test.is_live)

    @property
    def server(self) -> str | None:
        """The fixture with the local server that is used now, or None."""
        if self._test is not None and self._test.server is not None:
            return "vendo_server"
        return NAME if self._session_server.is_used else None

    @property
    def keeps_local(self) -> bool:
        """True if no real provider may be reached now."""
        if self.is_live or (self._test is not None and self._test.is_live):
            return False
        return self._has_guard or self.server is not None

    @property
    def moment(self) -> str | None:
        """The scope of the fixture or test that runs now; None outside of tests."""
        return self._scope or (None if self._test is None else "function")

    def gave(self, slug: str, token: str) -> bool:
        """Return True for a token that the ini file or the current test provides for the slug."""
        name = override_variable(slug)
        given = {**self._given, **(self._test.given if self._test is not None else {})}
        return given.get(name, "").strip() == token

    def had(self, slug: str, token: str) -> bool:
        """Return True for a token that was handed out in the current test."""
        return self._test is not None and (slug, token) in self._test.handed_out

    def note(self, slug: str, token: str) -> None:
        """Record a token of the current test, and of the run."""
        if self._test is not None:
            self._test.handed_out.append((slug, token))
        if len(token) >= _SHORTEST_OF_RUN:
            self._handed_out[slug, token] = None
            if len(self._handed_out) > _MOST_OF_RUN:
                del self._handed_out[next(iter(self._handed_out))]

    @property
    def handed_out(self) -> list[tuple[str, str]]:
        """The slugs and tokens that were handed out in this run."""
        return list(self._handed_out)

    def enter(self, item: pytest.Item) -> TestScope:
        """Begin a test: isolate it, then set the tokens of its markers."""
        is_live = item.get_closest_marker("vendo_live") is not None
        test = self._test = TestScope(self, item, is_live=is_live)
        if self._has_guard:
            self._interceptor.install()
        try:
            if self._isolates:
                self._isolation.begin_test()
            if test.is_live:
                test.variables.update(self._variables.removed)
            elif self._isolates:
                # Again: the program may have loaded a .env file.
                self._isolation.isolate()
            if not test.is_live and test.uses_session_server:
                self._session_server.resume()
            for marker in reversed(list(item.iter_markers("vendo"))):  # the closest one wins
                test.give_all(marker.args, marker.kwargs)
        except BaseException:
            self.leave(test)
            raise
        return test

    def end_variables(self, test: TestScope) -> None:
        """Undo what a test changed, before fixtures of a wider scope are torn down."""
        if test.is_live:
            return
        test.variables.undo()
        if self._isolates:
            self._isolation.isolate()
        self._session_server.resume()  # it may be theirs

    def leave(self, test: TestScope) -> None:
        """End a test."""
        test.variables.undo()
        self._session_server.pause()
        if self._isolates:
            self._isolation.end_test()
        self._test = None
        if not self._has_guard and not self._records_run:
            self._interceptor.remove()

    @contextmanager
    def using(self, server: vendo.testing.LocalVendo) -> Iterator[None]:
        """Make the library use a local server, in place of the ini file's tokens."""
        kept = self._test.given if self._test is not None else ()
        self._session_server.begin(server, kept)
        try:
            yield
        finally:
            self._session_server.end()

    def record(self) -> None:
        """Record tokens until the end of the test."""
        self._interceptor.install()

    def record_run(self) -> None:
        """Record tokens until the end of the run."""
        self._records_run = True
        self._interceptor.install()


class TestScope:
    """One test: the tokens that it provides, and those that the code under test got."""

    __test__ = False

    def __init__(self, suite: Suite, item: pytest.Item, *, is_live: bool) -> None:
        self.suite: Suite = suite
        self._item = item
        self._is_end_scheduled = False
        self.is_live: bool = is_live
        self.variables: Variables = Variables()
        self.given: dict[str, str] = {}
        self.handed_out: list[tuple[str, str]] = []
        self.server: vendo.testing.LocalVendo | None = None

    @property
    def uses_session_server(self) -> bool:
        """True where the session's server is among the fixtures of the test, or of one of them."""
        return NAME in getattr(self._item, "fixturenames", ())

    def schedule_end(self) -> None:
        """End the changes of the environment after the test's own fixtures.

        Call it before the first of them is set up: what is added first is done last.
        """
        if not self._is_end_scheduled:
            self._is_end_scheduled = True
            self._item.addfinalizer(lambda: self.suite.end_variables(self))

    def begin_teardown(self) -> None:
        """End the changes of a test without fixtures; those of others end after their own."""
        if not self._is_end_scheduled:
            self.suite.end_variables(self)

    def give(self, slug: str, token: str | None) -> str:
        """Set `VENDO_TOKEN_<SLUG>` for the rest of the test, and return its value.

        Raises:
            TypeError, ValueError, ValidationError: see `checked_token`.
            ValidationError: the slug is malformed.
        """
        __tracebackhide__ = True
        name = override_variable(slug)
        token = fake_token(slug) if token is None else checked_token(slug, token)
        self.given[name] = token
        self.variables.set(name, token)
        return token

    def give_all(self, fakes: Iterable[str], tokens: Mapping[str, str | None]) -> dict[str, str]:
        """Set fake tokens for some slugs, and given tokens for others."""
        __tracebackhide__ = True
        given = {slug: self.give(slug, None) for slug in fakes}
        return given | {slug: self.give(slug, token) for slug, token in tokens.items()}

    def isolate(self) -> None:
        """Remove every credential from the environment, except those of this test."""
        isolate(self.variables, kept=self.given)

    def use(self, server: vendo.testing.LocalVendo) -> None:
        """Make the whole library use a local server, in place of the ini file's tokens."""
        use(server, self.variables, kept=self.given)
        self.server = server


def _is_live(config: pytest.Config) -> bool:
    # The first exists before the conftest files are read, the second if one of them names this
    # plugin.
    spaces = (config.known_args_namespace, config.option)
    return any(getattr(space, "vendo_live", False) for space in spaces)
