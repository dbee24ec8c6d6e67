"""`vendo_leaks` in every report that pytest and its plugins make of a test."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

# The canary is in two parts, because the report of a failure has the source of the test.
PREAMBLE = """
import logging, os, sys, unittest, warnings, pytest, vendo
CANARY = "sk-can" + "ary/1-" + "q" * 400
FAKE = "vendo-test-token-" + "openai"

@pytest.fixture
def token(vendo_token):
    vendo_token("openai", CANARY)
    return vendo.token("openai")

"""
#: pytest has subtests since 9.0. Before, a plugin had them.
SUBTESTS = [
    name for name in ("_pytest.subtests", "pytest_subtests") if importlib.util.find_spec(name)
][:1]


def _shown(result: pytest.RunResult, suite: pytest.Pytester) -> str:
    """Return all that a run has put out."""
    files = [suite.path / name for name in ("report.xml", "log.json")]
    texts = [file.read_text() for file in files if file.exists()]
    return "".join([result.stdout.str(), result.stderr.str(), *texts])


def _assert_masked(result: pytest.RunResult, suite: pytest.Pytester) -> None:
    shown = _shown(result, suite)
    assert "canary" not in shown
    assert "qqqq" not in shown
    assert "[token of openai]" in shown
    assert "INTERNALERROR" not in shown


LOUD = (
    "-rA", "--showlocals", "--junitxml=report.xml",
    "-o", "junit_logging=all", "-o", "junit_family=xunit1", "-p", "no:randomly",
)  # fmt: skip
WORKERS = ("-p", "xdist", "-n1")


@pytest.fixture(params=[(), WORKERS], ids=["here", "worker"])
def loud(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """The arguments for a run that shows all it can, in this process or in a worker's."""
    arguments: tuple[str, ...] = (*LOUD, *request.param)
    return arguments


def _suite(bodies: list[str], arguments: str) -> str:
    """Return the source of a test for each body."""
    return "".join(
        f"def test_{n}(vendo_leaks, token, {arguments}):\n    {body}\n\n"
        for n, body in enumerate(bodies)
    )


SUBTEST_LEAKS = [
    "print(token)",
    "os.write(1, token.encode())",
    "logging.warning(token)",
    "assert token == 'x'",
    "raise ExceptionGroup(token, [ValueError(token)])",
]
SUBTEST_REASONS = ["pytest.skip(token)", "pytest.xfail(token)"]


if SUBTESTS:  # before pytest 9 with a plugin alone

    def test_subtests_are_searched_and_masked(
        run: Run, suite: pytest.Pytester, loud: tuple[str, ...]
    ) -> None:
        plugin = ("-p", "pytest_subtests.plugin") if SUBTESTS == ["pytest_subtests"] else ()
        form = (
            "with subtests.test('quiet'):\n        pass\n"
            "    with subtests.test('of ' + token, key=token):\n        "
        )
        leaks, reasons = (
            [form + step for step in steps] for steps in (SUBTEST_LEAKS, SUBTEST_REASONS)
        )
        failing = run(PREAMBLE + _suite(leaks, "subtests"), *loud, *plugin, "-v")
        _assert_masked(failing, suite)
        for n in range(len(leaks)):
            failing.stdout.re_match_lines([rf".*SUBFAIL.*test_it\.py::test_{n}\b.*"])
        passing = run(PREAMBLE + _suite(reasons, "subtests"), *loud, *plugin, "-v")
        _assert_masked(passing, suite)

        assert (failing.ret, passing.ret) == (1, 0)

    def test_subtests_of_every_attempt_are_searched_and_masked(
        run: Run, suite: pytest.Pytester, loud: tuple[str, ...]
    ) -> None:
        plugin = ("-p", "pytest_subtests.plugin") if SUBTESTS == ["pytest_subtests"] else ()
        form = "with subtests.test('of ' + token, key=token):\n        "
        end = "; assert request.node.execution_count > 1, token"
        steps = ["print(token)", "warnings.warn(token)", "record_property('key', token)"]
        leaks = [f"{form}{step}{end}" for step in steps]
        arguments = ("-p", "pytest_rerunfailures", "--reruns=2", "-W", "default")
        source = PREAMBLE + _suite(leaks, "subtests, request, record_property")
        result = run(source, *loud, *plugin, *arguments)

        assert result.ret == 1
        assert result.parseoutcomes()["rerun"] >= len(steps)
        _assert_masked(result, suite)


def test_unittest_subtest_is_searched_and_masked(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...]
) -> None:
    result = run(
        f"""{PREAMBLE}
@pytest.mark.usefixtures("vendo_leaks")
class TestIt(unittest.TestCase):
    def test_output(self):
        with self.subTest(vendo.token("openai"), key=vendo.token("openai")):
            print(vendo.token("openai"))

    def test_error(self):
        with self.subTest(key=vendo.token("openai")):
            self.assertEqual(vendo.token("openai"), "x")
""",
        *loud,
        ini="vendo_tokens = openai = sk-canary/1-qqqqqqqqq",
    )

    assert result.ret == 1
    _assert_masked(result, suite)


@pytest.mark.parametrize(
    ("leak", "failed"),
    [
        ("print(token)", True),
        ("print(token); assert token == 'x'", True),
        ("logging.warning(token)", True),
        ("warnings.warn(token)", True),
        ("record_property('key', token)", True),
        ("os.write(1, token.encode()); pytest.skip(token)", True),
        ("record_property('n', 1); assert len(ATTEMPTS) > 1, token", False),
        ("ATTEMPTS[1:] or print(token); assert len(ATTEMPTS) > 1", True),
    ],
)
def test_every_attempt_is_searched_and_masked(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...], leak: str, failed: bool
) -> None:
    result = run(
        f"""{PREAMBLE}
ATTEMPTS = []

@pytest.fixture
def token(vendo_token):
    ATTEMPTS.append(1)
    vendo_token("openai", f"{{CANARY}}-{{len(ATTEMPTS)}}")
    return vendo.token("openai")

def test_it(token, vendo_leaks, record_property):
    {leak}
""",
        *loud,
        "-p",
        "pytest_rerunfailures",
        "--reruns=2",
        "-W",
        "default",
    )

    assert result.ret == (1 if failed else 0)
    assert result.parseoutcomes().get("rerun", 0) >= (0 if "warn(" in leak else 1)
    assert result.parseoutcomes().get("errors", 0) == 0
    assert "canary" not in _shown(result, suite)
    if failed:
        _assert_masked(result, suite)


WARNINGS = [
    "warnings.warn(token)",
    "warnings.warn(token, DeprecationWarning)",
    "warnings.warn(UserWarning('the token', token, 1))",
    "warnings.warn(Own(token))",
    "_in_thread(token)",
]


def test_warning_fails_the_test_and_is_masked(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...]
) -> None:
    result = run(
        f"""{PREAMBLE}
import threading

class Own(Warning):
    def __init__(self, text):
        self.text = text
    def __str__(self):
        return "own " + self.text

def _fail(token):
    raise RuntimeError(token)

def _in_thread(token):
    thread = threading.Thread(target=_fail, args=(token,))
    thread.start()
    thread.join()

{_suite(WARNINGS, "request")}
def test_next(token):
    pass
""",
        *loud,
        "-W",
        "default",
    )

    n = len(WARNINGS)
    result.assert_outcomes(passed=n + 1, failed=n, warnings=n)
    assert result.ret == 1
    leak = "\nvendo_leaks: the output contains a token: openai in the warnings."
    assert result.stdout.str().count(leak) == n
    _assert_masked(result, suite)


def test_warning_that_a_test_expects_is_no_leak(run: Run) -> None:
    run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, token):
    with pytest.warns(UserWarning):
        warnings.warn(token)
"""
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("leak", "place"),
    [
        ("record_property('key', token)", "recorded properties"),
        ("record_property(token, 1)", "recorded properties"),
        ("record_property('key', {'a': [token]})", "recorded properties"),
        ("record_xml_attribute('key', token)", "recorded XML attributes"),
        ("record_testsuite_property('key', token)", "recorded properties of the suite"),
    ],
)
def test_recorded_property_fails_the_test_and_is_masked(
    run: Run, suite: pytest.Pytester, leak: str, place: str
) -> None:
    fixture = leak.partition("(")[0]
    result = run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, token, {fixture}):
    {leak}
""",
        *LOUD,
        "-W",
        "ignore",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"vendo_leaks: *: openai in the {place}."])
    _assert_masked(result, suite)


REASONS = {
    "pytest.xfail(token)": "XFAIL",
    "mark(reason=token); assert token == 'x'": "XFAIL",
    "mark(reason=token)": "XPASS",
    "mark(reason=token, strict=True)": "FAILED",
    "print(token); pytest.xfail(token)": "FAILED",
    "print(token); mark(reason='x'); assert token == 'x'": "FAILED",
    "print(token); mark(reason=token)": "FAILED",
    "pytest.skip(token)": "SKIPPED",
    "pytest.importorskip('missing', reason=token)": "SKIPPED",
    "print(token); pytest.skip(token)": "FAILED",
    "pytest.fail(token)": "FAILED",
    "pytest.fail(token, pytrace=False)": "FAILED",
}


def test_reason_is_masked_and_output_of_an_expected_failure_searched(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...]
) -> None:
    result = run(
        f"""{PREAMBLE}
@pytest.fixture
def mark(request):
    def mark(**options):
        request.node.add_marker(pytest.mark.xfail(**options))
    return mark

{_suite(list(REASONS), "mark")}
""",
        *loud,
    )

    result.assert_outcomes(xfailed=2, xpassed=1, skipped=2, failed=7)
    for n, outcome in enumerate(REASONS.values()):
        if outcome != "SKIPPED":
            result.stdout.re_match_lines([rf"{outcome} test_it\.py::test_{n}\b.*"])
    leaks = [line for line in result.outlines if line.startswith("vendo_leaks: ")]
    assert len(leaks) == sum("print" in body for body in REASONS)
    assert result.ret == 1
    _assert_masked(result, suite)


def test_expected_failure_without_a_leak_does_not_fail_the_run(run: Run) -> None:
    assert run(f"{PREAMBLE}def test_it(vendo_leaks, token): pytest.xfail(token)").ret == 0


def test_expected_failure_with_a_leak_fails_the_run(run: Run) -> None:
    assert run(f"{PREAMBLE}def test_it(vendo_leaks, token): print(token); pytest.xfail()").ret == 1


@pytest.mark.parametrize(
    ("tb", "width"),
    [("auto", "80"), ("auto", "400"), ("line", "400"), ("native", "80"), ("no", "400")],
)
def test_summary_has_the_real_error_and_then_the_leak(
    run: Run,
    suite: pytest.Pytester,
    loud: tuple[str, ...],
    tb: str,
    width: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", width)
    result = run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, token):
    print(token)
    raise ValueError("wrong with " + token + "\\nmore")
""",
        *loud,
        f"--tb={tb}",
    )

    leak = " (vendo_leaks: *openai in the captured stdout call.)" if width == "400" else "*"
    result.stdout.fnmatch_lines(
        [f"FAILED test_it.py::test_it - ValueError: wrong with [[]token of openai]{leak}"]
    )
    _assert_masked(result, suite)


ERRORS = [
    "assert token == 'x'",
    "assert [token] == ['x']",
    "assert {'a': token} == {'a': 'x'}",
    "assert token in ['x']",
    "assert not token",
    "assert token.encode() == b'x'",
    "assert repr(token) == 1",
    "raise ExceptionGroup(token, [ValueError(token), KeyError(token)])",
    "_raise_from(ValueError(token))",
    "_noted(token)",
    "pytest.raises(ValueError, match=token).__enter__(); raise ValueError(token)",
]


def test_error_keeps_its_form_and_shows_no_part_of_a_token(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...]
) -> None:
    result = run(
        f"""{PREAMBLE}
def _raise_from(cause):
    try:
        raise cause
    except ValueError as error:
        raise KeyError("for") from error

def _noted(token):
    error = ValueError("noted")
    error.add_note(token)
    raise error

{_suite(ERRORS, "request")}
""",
        *loud,
    )

    n = len(ERRORS)
    result.assert_outcomes(failed=n)
    result.stdout.no_fnmatch_line("*vendo_leaks: *")
    assert len(re.findall(r"(?m)^FAILED test_it\.py::test_\d+ - \S", result.stdout.str())) == n
    # A group has Python's own form.
    assert len(re.findall(r"(?m)^test_it\.py:\d+: \w", result.stdout.str())) >= n - 1
    _assert_masked(result, suite)


@pytest.mark.parametrize("phase", ["setup", "teardown"])
def test_error_of_a_fixture_is_masked_and_its_output_searched(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...], phase: str
) -> None:
    result = run(
        f"""{PREAMBLE}
@pytest.fixture
def broken(vendo_leaks, token):
    if {phase == "teardown"}:
        yield
    logging.warning(token)
    raise RuntimeError("broken by " + token)
    yield

def test_it(broken):
    pass
""",
        *loud,
    )

    result.assert_outcomes(errors=1, passed=1 if phase == "teardown" else 0)
    result.stdout.fnmatch_lines(
        [
            f"vendo_leaks: *: openai in the captured log {phase}.",
            "ERROR test_it.py::test_it - RuntimeError: broken by [[]token of openai]*",
        ]
    )
    _assert_masked(result, suite)


@pytest.mark.parametrize(
    "token",
    ["sk-can\\'\"bird", "sk can/bird+", "sk-can\u00e4bird", "sk.can*bird"],
    ids=["quotes", "url", "letters", "pattern"],
)
def test_escaped_token_is_masked(run: Run, token: str) -> None:
    result = run(
        f"""
import json, re, urllib.parse, pytest, vendo
TOKEN = {token[:6]!r} + {token[6:]!r}

def test_it(vendo_leaks, vendo_token):
    vendo_token("openai", TOKEN)
    token = vendo.token("openai")
    forms = [token, repr(token), json.dumps(token), re.escape(token),
             urllib.parse.quote(token), urllib.parse.quote(token, safe="")]
    raise ValueError("\\n".join(forms))
"""
    )

    result.assert_outcomes(failed=1)
    assert "bird" not in result.stdout.str()
    assert result.stdout.str().count("[token of openai]") >= 6


def test_reason_of_an_exit_is_masked(run: Run, suite: pytest.Pytester) -> None:
    result = run(f"{PREAMBLE}def test_it(vendo_leaks, token): pytest.exit('by ' + token)", *LOUD)

    result.stdout.fnmatch_lines(["!*Exit: by [[]token of openai] !*"])
    _assert_masked(result, suite)


def test_doctest_and_unittest_are_masked_too(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...]
) -> None:
    result = run(
        f"""{PREAMBLE}
def documented():
    \"\"\"
    >>> getfixture("vendo_leaks")
    >>> getfixture("token")
    1
    \"\"\"

@pytest.mark.usefixtures("vendo_leaks")
class TestIt(unittest.TestCase):
    def test_fail(self):
        self.fail(vendo.token("openai"))

    def test_skip(self):
        self.skipTest(vendo.token("openai"))

    @unittest.expectedFailure
    def test_expected(self):
        self.fail(vendo.token("openai"))
""",
        *loud,
        "--doctest-modules",
        ini="vendo_tokens = openai = sk-canary/1-qqqqqqqqq",
    )

    result.assert_outcomes(failed=2, skipped=1, xfailed=1)
    _assert_masked(result, suite)


def test_token_in_the_name_of_a_test_fails_it(run: Run) -> None:
    result = run(
        """
        import pytest, vendo

        @pytest.mark.usefixtures("vendo_leaks")
        @pytest.mark.parametrize("token", [vendo.token("openai")])
        def test_it(token):
            vendo.token("openai")
        """,
        ini="vendo_tokens = openai = sk-name",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["vendo_leaks: *: openai in the name of the test."])


def test_text_beside_a_part_of_a_token_is_kept(run: Run) -> None:
    result = run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, vendo_token):
    vendo_token("openai")
    assert vendo.token("openai")
    print("vendo-testing", "vendo...", "vendo-test-token... and more", "wait... openai")
    assert False
"""
    )

    result.stdout.fnmatch_lines(
        ["vendo-testing vendo... [[]token of openai]... and more wait... *"]
    )


def test_token_of_the_run_is_found_wherever_it_was_handed_out(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("openai", "slack", "stripe", "linear", "notion"):
        monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", f"canary-{slug}")
    result = run(
        """
        import unittest, pytest, vendo
        vendo_leaks = pytest.mark.usefixtures("vendo_leaks")

        @pytest.fixture(scope="session")
        def of_session():
            return vendo.token("openai")

        @pytest.fixture(scope="module")
        def of_module():
            return vendo.token("slack")

        kept = []

        def test_a(of_session, of_module):
            kept.append(vendo.token("stripe"))

        class TestClass:
            @classmethod
            def setup_class(cls):
                cls.token = vendo.token("linear")

            @vendo_leaks
            def test_first(self): ...

            @vendo_leaks
            def test_second(self):
                raise RuntimeError(f"with {self.token}")

        class TestCase(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.token = vendo.token("notion")

            @pytest.fixture(autouse=True)
            def _leaks(self, vendo_leaks): ...

            def test_first(self): ...

            def test_second(self):
                print(self.token)

        @vendo_leaks
        @pytest.mark.parametrize("at", range(3))
        def test_z(of_session, of_module, at):
            print([of_session, of_module, kept[0]][at])
        """,
        "-p",
        "no:randomly",
        "-rA",
    )

    result.assert_outcomes(passed=3, failed=5)
    assert "canary" not in result.stdout.str()
    for slug in ("openai", "slack", "stripe", "linear", "notion"):
        assert f"[token of {slug}]" in result.stdout.str()


def test_token_that_is_a_common_word_is_masked_once(run: Run) -> None:
    result = run(
        """
        def test_it(vendo_token, vendo_leaks):
            import vendo
            vendo_token("gmail", "token")
            vendo_token("slack", "gmail")
            raise ValueError(vendo.token("gmail") + vendo.token("slack") + " at the end")
        """
    )

    result.assert_outcomes(failed=1)
    assert "ValueError: [token of gmail][token of slack] at the end" in result.stdout.str()
    assert "[[" not in result.stdout.str()
