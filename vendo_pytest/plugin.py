"""The plugin that pytest loads: hooks and fixtures.

Every pytest run in an environment with vendo-sdk loads this module, so it imports only pytest. A
fixture imports what it needs.

PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from contextlib import ExitStack

import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from vendo import AsyncVendo, Vendo
    from vendo.testing import LocalVendo
    from vendo_pytest._fixtures import VendoSession, VendoToken, VendoTokens, VendoUsage
    from vendo_pytest._leaks import LeakReports, Leaks
    from vendo_pytest._suite import Suite, TestScope

#: The plugin's names: that of its entry point, and that for `pytest_plugins`.
_NAMES = ("vendo", __name__)

#: The fixtures that change the environment.
_CHANGING = frozenset(
    {"vendo_isolated", "vendo_server", "vendo_session_server", "vendo_token", "vendo_tokens"}
)

_suites: pytest.StashKey[Suite | None] = pytest.StashKey()
#: The fixtures that are being set up before there is a suite: one of them may begin it.
_waiting: pytest.StashKey[
    dict[ExitStack, tuple[pytest.FixtureDef[object], pytest.FixtureRequest]]
] = pytest.StashKey()
_tests: pytest.StashKey[TestScope] = pytest.StashKey()
_leaks: pytest.StashKey[Leaks] = pytest.StashKey()
_leak_reports: pytest.StashKey[LeakReports] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser, pluginmanager: pytest.PytestPluginManager) -> None:
    """Add the ini options and the command line option."""
    for name in _NAMES:
        if not pluginmanager.hasplugin(name):
            # pytest loads a name that it does not know, and fails at a second name of a plugin.
            pluginmanager.register(object(), name)
    parser.getgroup("vendo").addoption(
        "--vendo-live",
        action="store_true",
        help="Let tests use real credentials: the guard and the isolation of the ini file are off.",
    )
    parser.addini(
        "vendo_tokens",
        "Test tokens for all tests, one per line: `slug = token`, or a slug for a fake token.",
        type="linelist",
    )
    parser.addini(
        "vendo_isolate",
        "Remove VENDO_* and every provider's variables from the environment.",
        type="bool",
        default=False,
    )
    parser.addini(
        "vendo_guard",
        "Raise an error if the code under test requests a credential without a test token.",
        type="bool",
        default=False,
    )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None, object, object]:
    """Begin before conftest files and other plugins: pytest-django reads settings here."""
    _begin(early_config)
    return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Register the markers."""
    config.addinivalue_line(
        "markers",
        "vendo(*slugs, **tokens): set a token for each provider, a fake one for `slugs`.",
    )
    config.addinivalue_line(
        "markers",
        "vendo_live: let the test use real credentials; the guard and the isolation of the ini "
        "file are off for it.",
    )
    _begin(config)  # if a conftest file names the plugin


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_setupnodes(config: pytest.Config) -> None:
    """Restore the environment for the workers: they isolate their tests, and here no test runs."""
    suite = config.stash[_suites]
    if suite is not None:
        suite.restore()


def pytest_report_header(config: pytest.Config) -> str | None:
    """Show the active options of the ini file and the command line."""
    suite = config.stash[_suites]
    return None if suite is None else suite.header()


def pytest_collection_finish(session: pytest.Session) -> None:
    """Begin if the whole run matters to a fixture: with its tokens, or its variables."""
    names = {name for item in session.items for name in getattr(item, "fixturenames", ())}
    if "vendo_session_server" in names:
        _suite(session.config)
    if "vendo_leaks" in names:
        _suite(session.config).record_run()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Begin a test before its fixtures do."""
    names = getattr(item, "fixturenames", ())
    is_used = item.config.stash[_suites] is not None or not _CHANGING.isdisjoint(names)
    if is_used or item.get_closest_marker("vendo") is not None:
        _test(item)
    if "vendo_leaks" in names:
        _search(item)  # fixtures before that one may get tokens


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[object], request: pytest.FixtureRequest
) -> Generator[None, object, object]:
    """Set up a fixture of a wider scope apart from the test that is the first to request it."""
    __tracebackhide__ = True
    if fixturedef.argname in _CHANGING:
        _test(request._pyfuncitem)  # it may have been requested by name
    suite, waiting = request.config.stash[_suites], request.config.stash[_waiting]
    with ExitStack() as stack:
        if suite is None:
            waiting[stack] = (fixturedef, request)
        else:
            stack.enter_context(suite.setting_up(fixturedef, request))
        try:
            return (yield)
        finally:
            waiting.pop(stack, None)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Search what the test reads from capturing fixtures for leaks."""
    leaks = item.stash.get(_leaks, None)
    if leaks is not None:
        leaks.listen()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """End a test after its fixtures, so that its `monkeypatch` is undone."""
    test = item.stash.get(_tests, None)
    if test is not None:
        test.begin_teardown()
    try:
        return (yield)
    finally:
        if test is not None:
            del item.stash[_tests]
            test.suite.leave()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Search the output and the logs of a test for leaks."""
    report = yield
    leaks = item.stash.get(_leaks, None)
    if leaks is not None:
        leaks.inspect(report)
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """End the search for leaks of a test after its last report and warning."""
    try:
        return (yield)
    except pytest.exit.Exception as end:
        if _leaks in item.stash:
            item.stash[_leaks].mask_exit(end)
        raise
    finally:
        leaks = item.stash.get(_leaks, None)
        if leaks is not None:
            del item.stash[_leaks]
            item.config.stash[_leak_reports].current = None
            report = leaks.report_of_warnings()
            if report is not None:
                item.ihook.pytest_runtest_logreport(report=report)


def _begin(config: pytest.Config) -> None:
    if _suites in config.stash:
        return
    is_used = any(map(config.getini, ("vendo_tokens", "vendo_isolate", "vendo_guard")))
    is_used = is_used or "vendo_leaks" in config.getini("usefixtures")
    config.stash[_suites], config.stash[_waiting] = None, {}
    if is_used:
        _suite(config).record_run()  # tokens that are fetched at import too


def _suite(config: pytest.Config) -> Suite:
    suite = config.stash[_suites]
    if suite is None:
        from vendo_pytest._suite import Suite

        suite = config.stash[_suites] = Suite(config)
    return suite


def _test(item: pytest.Item) -> TestScope:
    test = item.stash.get(_tests, None)
    if test is None:
        test = item.stash[_tests] = _suite(item.config).enter(item)
        waiting = item.config.stash[_waiting]
        for stack, (fixturedef, request) in waiting.items():
            stack.enter_context(test.suite.setting_up(fixturedef, request))
        waiting.clear()
    return test


def _search(item: pytest.Item) -> None:
    from vendo_pytest._leaks import LeakReports, Leaks

    test, config = _test(item), item.config
    test.suite.record()
    if _leak_reports not in config.stash:
        config.stash[_leak_reports] = LeakReports()
        config.pluginmanager.register(config.stash[_leak_reports])
    if _leaks not in item.stash:
        item.stash[_leaks] = Leaks(item)
    config.stash[_leak_reports].current = item.stash[_leaks]
    item.stash[_leaks].begin(test)


@pytest.fixture
def vendo_token(request: pytest.FixtureRequest) -> VendoToken:
    """`vendo_token("openai", "sk-test")` sets a token for the test (by default a fake one)."""
    from vendo_pytest._fixtures import VendoToken

    return VendoToken(_test(request.node))


@pytest.fixture
def vendo_tokens(request: pytest.FixtureRequest) -> VendoTokens:
    """`vendo_tokens("stripe", openai="sk-test")` sets several tokens for the test."""
    from vendo_pytest._fixtures import VendoTokens

    return VendoTokens(_test(request.node))


@pytest.fixture
def vendo_isolated(request: pytest.FixtureRequest) -> None:
    """Remove VENDO_* and every provider's variables from the environment for the test."""
    _test(request.node).isolate()


@pytest.fixture(scope="session")
def _vendo_local() -> Iterator[LocalVendo]:
    from vendo.testing import LocalVendo

    with LocalVendo() as server:
        yield server


@pytest.fixture
def vendo_server(request: pytest.FixtureRequest, _vendo_local: LocalVendo) -> Iterator[LocalVendo]:
    """A Vendo on loopback without connections, which the whole library uses during the test."""
    _vendo_local.start()  # a test may have stopped it
    _vendo_local.reset()
    _test(request.node).use(_vendo_local)
    yield _vendo_local
    _vendo_local.reset()  # end requests that the test holds or slows


@pytest.fixture(scope="session")
def vendo_session_server(request: pytest.FixtureRequest) -> Iterator[LocalVendo]:
    """A Vendo on loopback for fixtures of a wider scope, never reset.

    The library uses it in the tests that request it, or a fixture with it, and in these fixtures.
    """
    from vendo.testing import LocalVendo

    with LocalVendo() as server, _suite(request.config).using(server):
        yield server


@pytest.fixture
def vendo_client(vendo_server: LocalVendo) -> Iterator[Vendo]:
    """A `vendo.Vendo` for the server."""
    with vendo_server.client() as client:
        yield client


@pytest.fixture
def vendo_async_client(vendo_server: LocalVendo) -> AsyncVendo:
    """A `vendo.AsyncVendo` for the server."""
    return vendo_server.async_client()


@pytest.fixture
def vendo_session(vendo_client: Vendo, vendo_server: LocalVendo) -> Iterator[VendoSession]:
    """`vendo_session("gmail")` returns a requests session with the server's fake provider."""
    from vendo_pytest._fixtures import VendoSession

    sessions = VendoSession(vendo_client, vendo_server)
    yield sessions
    sessions.close()


@pytest.fixture
def vendo_usage(request: pytest.FixtureRequest) -> VendoUsage:
    """`vendo_usage.assert_used("openai")` and `.assert_unused("slack")` check which tokens the code
    under test got.
    """
    from vendo_pytest._fixtures import VendoUsage

    test = _test(request.node)
    test.suite.record()
    return VendoUsage(test)


@pytest.fixture
def vendo_leaks(request: pytest.FixtureRequest) -> None:
    """Fail the test if its captured output or logs contain a token that it got, or its warnings."""
    _search(request.node)  # again: it may have been requested by name
