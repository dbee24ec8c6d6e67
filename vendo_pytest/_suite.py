"""The state of one run of pytest, and of its current test."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager

import pytest

import vendo.testing
from vendo.testing import forget_tokens, override_variable
from vendo_pytest import _interceptor, _lookups
from vendo_pytest._environment import Environment, Layer, found
from vendo_pytest._tokens import checked_token, fake_token, parsed_tokens
from vendo_pytest._variables import Variables

#: A shorter token of another test may be a common word.
_SHORTEST_OF_RUN = 8
_MOST_OF_RUN = 1000
SESSION_SERVER = "vendo_session_server"


class Suite:
    """One run of pytest, with the options of its ini file and command line."""

    def __init__(self, config: pytest.Config) -> None:
        self.is_live: bool = _is_live(config)
        self._isolates: bool = config.getini("vendo_isolate") and not self.is_live
        self._has_guard: bool = config.getini("vendo_guard") and not self.is_live
        self._interceptor = _interceptor.RunInterceptor(self)
        self._variables = Variables()
        self._given: dict[str, str] = {}
        self._test: TestScope | None = None
        self._records_run = False
        #: The tokens of the whole run, the newest last. A test may show one that it did not get.
        self._handed_out: dict[tuple[str, str], None] = {}
        tokens = parsed_tokens(config.getini("vendo_tokens"))
        _interceptor.running.append(self)
        config.add_cleanup(self._end)
        if self._isolates:
            self._variables.update(dict.fromkeys(found()))
        for slug, token in tokens.items():
            name = override_variable(slug)
            self._given[name] = token
            self._variables.set(name, token)
        self.slugs: tuple[str, ...] = tuple(tokens)
        if self._has_guard:
            self._interceptor.install()
            _lookups.observe()
        self._environment = Environment(
            self._given, self._variables.removed, isolates=self._isolates
        )

    @contextmanager
    def setting_up(
        self, fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
    ) -> Iterator[None]:
        """Set up a fixture; one of a wider scope without what is the current test's own.

        It is live if its class or module is, and so all its tests. It is torn down likewise: of its
        finalizers, the last one is called first.
        """
        __tracebackhide__ = True
        if self._test is not None:
            self._test.schedule_end()
        if fixturedef.scope == "function":
            yield
            return
        scope = fixturedef.scope
        is_live = request.node.get_closest_marker("vendo_live") is not None  # the class or module
        # pytest has set up the fixtures among its arguments.
        names = [name for name in fixturedef.argnames if name != "request"]
        asked = map(request._get_active_fixturedef, names)
        layer = Layer(
            scope,
            fixture=fixturedef,
            given=None if self._test is None else self._test.marked,
            uses_server=not is_live and any(map(self._environment.is_user, asked)),
            is_live=is_live,
        )
        end = ExitStack()
        fixturedef.addfinalizer(end.close)
        self._environment.enter(layer)
        try:
            yield
        finally:
            self._environment.leave()
            if fixturedef.cached_result is None:  # an interrupt: pytest does not tear it down
                self._environment.drop_fixture(fixturedef)
            else:
                at_end = Layer(scope, uses_server=layer.uses_server, is_live=is_live)
                tearing_down = self._tearing_down(fixturedef, at_end)
                fixturedef.addfinalizer(lambda: end.enter_context(tearing_down))
                if layer.uses_server:
                    self._watch(fixturedef)

    @contextmanager
    def _tearing_down(self, fixturedef: pytest.FixtureDef[object], layer: Layer) -> Iterator[None]:
        self._environment.enter(layer)
        try:
            yield
        finally:
            self._environment.end_fixture(fixturedef)
            self._environment.leave()

    def _watch(self, fixturedef: pytest.FixtureDef[object]) -> None:
        """Use the session's server whenever a fixture is requested that uses it.

        No hook tells of a fixture that is set up already and requested by `getfixturevalue`.
        """
        execute = fixturedef.execute
        if getattr(execute, "watches", False):
            return

        def watched(request: pytest.FixtureRequest) -> object:
            __tracebackhide__ = True
            try:
                return execute(request=request)  # type: ignore[arg-type]  # it is a SubRequest
            finally:
                if self._environment.is_user(fixturedef):
                    self._environment.use_server()

        watched.watches = True  # type: ignore[attr-defined]
        fixturedef.execute = watched  # type: ignore[method-assign]

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
        return self._has_guard and not self._environment.current.is_live

    @property
    def server(self) -> str | None:
        """The fixture with the local server that is used now, or None."""
        layer = self._environment.current
        if isinstance(layer, TestScope) and layer.server is not None:
            return "vendo_server"
        return SESSION_SERVER if self._environment.uses_server else None

    @property
    def keeps_local(self) -> bool:
        """True if no real provider may be reached now."""
        if self.is_live or self._environment.current.is_live:
            return False
        return self._has_guard or self.server is not None

    @property
    def moment(self) -> str | None:
        """The scope of the fixture or test that runs now; None outside of tests."""
        return self._environment.current.scope

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
        test = self._test = TestScope(self, item)
        if self._has_guard:
            self._interceptor.install()
        self._environment.enter(test)
        try:
            for marker in reversed(list(item.iter_markers("vendo"))):  # the closest one wins
                test.give_all(marker.args, marker.kwargs)
        except BaseException:
            self.leave()
            raise
        test.marked = dict(test.given)
        return test

    def end_variables(self, test: TestScope) -> None:
        """Undo what a test changed, before fixtures of a wider scope are torn down."""
        test.server = None
        self._environment.end_test()

    def leave(self) -> None:
        """End a test."""
        self._environment.leave()
        self._test = None
        if not self._has_guard and not self._records_run:
            self._interceptor.remove()

    @contextmanager
    def using(self, server: vendo.testing.LocalVendo) -> Iterator[None]:
        """Let fixtures and tests use a local server; the one that runs now begins with it."""
        _lookups.observe()
        forget_tokens()
        self._environment.begin_server(server.environment())
        try:
            yield
        finally:
            self._environment.begin_server({})

    def record(self) -> None:
        """Record tokens until the end of the test."""
        self._interceptor.install()

    def record_run(self) -> None:
        """Record tokens until the end of the run."""
        self._records_run = True
        self._interceptor.install()


class TestScope(Layer):
    """One test: the tokens that it provides, and those that the code under test got."""

    __test__ = False

    def __init__(self, suite: Suite, item: pytest.Item) -> None:
        super().__init__("function")
        self.suite: Suite = suite
        self._item = item
        self._is_end_scheduled = False
        self.is_live: bool = item.get_closest_marker("vendo_live") is not None
        names = getattr(item, "fixturenames", ())
        self.uses_server: bool = not self.is_live and SESSION_SERVER in names
        self.given: dict[str, str] = {}
        #: The variables of its markers.
        self.marked: dict[str, str] = {}
        self.handed_out: list[tuple[str, str]] = []
        self.server: vendo.testing.LocalVendo | None = None

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
        self.set(name, token)
        return token

    def give_all(self, fakes: Iterable[str], tokens: Mapping[str, str | None]) -> dict[str, str]:
        """Set fake tokens for some slugs, and given tokens for others."""
        __tracebackhide__ = True
        given = {slug: self.give(slug, None) for slug in fakes}
        return given | {slug: self.give(slug, token) for slug, token in tokens.items()}

    def isolate(self) -> None:
        """Remove every credential from the environment, except those of this test."""
        for name in found().keys() - self.given.keys():
            self.set(name, None)

    def use(self, server: vendo.testing.LocalVendo) -> None:
        """Make the whole library use a local server, in place of the ini file's tokens."""
        _lookups.observe()
        self.isolate()
        forget_tokens()
        for name, value in server.environment().items():
            self.set(name, value)
        self.server = server


def _is_live(config: pytest.Config) -> bool:
    # The first exists before the conftest files are read, the second if one of them names this
    # plugin.
    spaces = (config.known_args_namespace, config.option)
    return any(getattr(space, "vendo_live", False) for space in spaces)
