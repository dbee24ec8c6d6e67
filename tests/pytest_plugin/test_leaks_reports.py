"""`vendo_leaks` in every report that pytest and its plugins make of a test."""

from __future__ import annotations

import importlib.util
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


@pytest.mark.skipif(not SUBTESTS, reason="this pytest has no subtests")
@pytest.mark.parametrize(
    ("step", "failed"),
    [
        ("print(token)", True),
        ("os.write(1, token.encode())", True),
        ("logging.warning(token)", True),
        ("assert token == 'x'", True),
        ("raise ExceptionGroup(token, [ValueError(token)])", True),
        ("pytest.skip(token)", False),
        ("pytest.xfail(token)", False),
    ],
)
def test_subtest_is_searched_and_masked(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...], step: str, failed: bool
) -> None:
    plugin = ("-p", "pytest_subtests.plugin") if SUBTESTS == ["pytest_subtests"] else ()
    result = run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, token, subtests):
    with subtests.test("quiet"):
        pass
    with subtests.test("of " + token, key=token):
        {step}
""",
        *loud,
        *plugin,
        "-v",
    )

    assert result.ret == (1 if failed else 0)
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


@pytest.mark.parametrize(
    "leak",
    [
        "warnings.warn(token)",
        "warnings.warn(token, DeprecationWarning)",
        "warnings.warn(UserWarning('the token', token, 1))",
        "warnings.warn(Own(token))",
        "_in_thread(token)",
    ],
)
def test_warning_fails_the_test_and_is_masked(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...], leak: str
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

def test_it(vendo_leaks, token):
    {leak}

def test_next(token):
    pass
""",
        *loud,
        "-W",
        "default",
    )

    result.assert_outcomes(passed=2, failed=1, warnings=1)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["vendo_leaks: *: openai in the warnings."])
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


@pytest.mark.parametrize(
    ("body", "outcome"),
    [
        ("pytest.xfail(token)", "xfailed"),
        ("mark(reason=token); assert token == 'x'", "xfailed"),
        ("mark(reason=token)", "xpassed"),
        ("mark(reason=token, strict=True)", "failed"),
        ("print(token); pytest.xfail(token)", "failed"),
        ("print(token); mark(reason='x'); assert token == 'x'", "failed"),
        ("print(token); mark(reason=token)", "failed"),
        ("pytest.skip(token)", "skipped"),
        ("pytest.importorskip('missing', reason=token)", "skipped"),
        ("print(token); pytest.skip(token)", "failed"),
        ("pytest.fail(token)", "failed"),
        ("pytest.fail(token, pytrace=False)", "failed"),
    ],
)
def test_reason_is_masked_and_output_of_an_expected_failure_searched(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...], body: str, outcome: str
) -> None:
    result = run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, token, request):
    def mark(**options):
        request.node.add_marker(pytest.mark.xfail(**options))
    {body}
""",
        *loud,
    )

    result.assert_outcomes(**{outcome: 1})
    assert result.ret == (1 if outcome == "failed" else 0)
    if outcome == "failed" and "print" in body:
        result.stdout.fnmatch_lines(["vendo_leaks: *: openai in the captured stdout call."])
    _assert_masked(result, suite)


@pytest.mark.parametrize("tb", ["auto", "long", "short", "line", "native", "no"])
@pytest.mark.parametrize("width", ["80", "400"])
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


@pytest.mark.parametrize(
    "error",
    [
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
    ],
)
def test_error_keeps_its_form_and_no_part_of_a_token(
    run: Run, suite: pytest.Pytester, loud: tuple[str, ...], error: str
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

def test_it(vendo_leaks, token):
    {error}
""",
        *loud,
    )

    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*vendo_leaks: *")
    result.stdout.fnmatch_lines(["FAILED test_it.py::test_it - *"])
    if "Group" not in error:  # that has Python's own form
        result.stdout.fnmatch_lines(["E  *", "test_it.py:*: *"])
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
