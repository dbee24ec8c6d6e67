"""`vendo_leaks`: a token in the output or logs of a test fails the test, and is masked."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

# The canary is in two parts, because the report of a failure has the source of the test.
PREAMBLE = """
import logging, os, sys, pytest, vendo
CANARY = "sk-can" + "ary/1"

@pytest.fixture
def token(vendo_token):
    vendo_token("openai", CANARY)
    return vendo.token("openai")

"""
OUTPUT = [
    ("print(token)", "captured stdout call"),
    ("print('x' + token + 'y', file=sys.stderr)", "captured stderr call"),
    ("os.write(2, token.encode())", "captured stderr call"),
    ("logging.getLogger('a.b').warning('token: %s', token)", "captured log call"),
    ("logging.error('url: ?k=%s', token.replace('/', '%2F'))", "captured log call"),
    (
        "try: raise ValueError(token)\n    except ValueError: logging.exception('x')",
        "captured log call",
    ),
]


@pytest.mark.parametrize(("leak", "place"), OUTPUT)
def test_token_in_the_output_fails_the_test_and_is_masked(
    run: Run, suite: pytest.Pytester, leak: str, place: str
) -> None:
    result = run(
        f"{PREAMBLE}def test_it(vendo_leaks, token):\n    {leak}",
        "-rA",
        "-o",
        "junit_logging=all",
        "--junitxml=report.xml",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"vendo_leaks: the output contains*: openai in the {place}*"])
    result.stdout.fnmatch_lines(["*[[]token of openai]*"])
    assert "canary" not in result.stdout.str() + result.stderr.str()
    assert "canary" not in (suite.path / "report.xml").read_text()


@pytest.mark.parametrize("capture", ["capsys", "capfd", "capsysbinary", "capfdbinary"])
def test_output_read_from_capsys_is_searched(run: Run, capture: str) -> None:
    result = run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, token, {capture}):
    print(token)
    assert len({capture}.readouterr().out) > 5
    assert not {capture}.readouterr().out
"""
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([f"vendo_leaks: *openai in the output read from {capture}."])
    assert "canary" not in result.stdout.str()


def test_test_without_a_leak_passes(run: Run) -> None:
    run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, vendo_token, capsys):
    vendo_token("slack", "xoxb-never-handed-out")
    vendo_token("gmail", "abc")  # too short to search for
    vendo_token("openai", CANARY)
    vendo.tokens(["openai", "gmail"])
    print("xoxb-never-handed-out", "abc", vendo.Vendo())
    logging.warning("nothing to see")
    capsys.readouterr()
"""
    ).assert_outcomes(passed=1)


def test_leak_in_a_fixture_is_found(run: Run) -> None:
    result = run(
        f"""{PREAMBLE}
@pytest.fixture
def early(token):
    print(token)

@pytest.fixture
def late(token):
    yield
    print(token)

def test_early(vendo_leaks, early):
    pass

def test_late(vendo_leaks, late):
    pass
""",
        "-p",
        "no:randomly",
    )

    result.assert_outcomes(passed=1, failed=0, errors=2)
    result.stdout.fnmatch_lines(
        ["*in the captured stdout setup.", "*in the captured stdout teardown."]
    )
    assert "canary" not in result.stdout.str()


def test_failing_test_reports_both_errors_and_its_message_is_masked(run: Run) -> None:
    result = run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, token):
    print(token)
    assert token == "something else"
""",
        "--showlocals",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*'[[]token of openai]' == 'something else'*", "vendo_leaks: *", "*[[]token of openai]*"]
    )
    assert "canary" not in result.stdout.str()


def test_failing_test_without_a_leak_keeps_its_report(run: Run) -> None:
    result = run(
        f"""{PREAMBLE}
def test_it(vendo_leaks, token):
    print("harmless")
    assert token == CANARY[:2]
""",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*harmless*"])
    result.stdout.no_fnmatch_line("*vendo_leaks: *")
    assert "canary" not in result.stdout.str()


def test_skipped_test_has_a_masked_reason_and_searched_output(run: Run) -> None:
    result = run(
        f"""{PREAMBLE}
def test_quiet(vendo_leaks, token):
    pytest.skip("no such account: " + token)

def test_loud(vendo_leaks, token):
    print(token)
    pytest.skip("for another reason")
""",
        "-rs",
    )

    result.assert_outcomes(skipped=1, failed=1)
    result.stdout.fnmatch_lines(
        ["vendo_leaks: *captured stdout call.", "Skipped: for another reason"]
    )
    result.stdout.fnmatch_lines(["SKIPPED * no such account: [[]token of openai]"])
    assert "canary" not in result.stdout.str()


def test_token_of_the_local_server_is_a_leak_too(run: Run) -> None:
    result = run(
        """
        import vendo

        def test_it(vendo_leaks, vendo_server):
            vendo_server.connect("gmail")
            print(vendo.token("gmail"))
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["vendo_leaks: *gmail in the captured stdout call*"])
    assert "local_gmail_" not in result.stdout.str()


def test_test_without_the_fixture_may_print_tokens(run: Run) -> None:
    run(
        f"""{PREAMBLE}
@pytest.mark.usefixtures("vendo_leaks")
def test_one():
    pass

def test_two(token):
    print(token)
""",
        "-p",
        "no:randomly",
    ).assert_outcomes(passed=2)


def test_usefixtures_ini_option_checks_the_whole_suite(run: Run) -> None:
    result = run(
        """
        import unittest, vendo

        def test_plain():
            print(vendo.token("openai"))

        class TestIt(unittest.TestCase):
            def test_case(self):
                print(vendo.token("openai"))
        """,
        ini="usefixtures = vendo_leaks\nvendo_tokens = openai = sk-canary",
    )

    result.assert_outcomes(failed=2)
    assert "canary" not in result.stdout.str()
