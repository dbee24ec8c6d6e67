"""Test tokens: fixtures, markers and the ini option."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


def test_token_is_set_until_the_end_of_the_test(run: Run) -> None:
    run(
        """
        import os, pytest, vendo

        def test_one(vendo_token):
            assert vendo_token("openai", "sk-test") == "sk-test"
            assert os.environ["VENDO_TOKEN_OPENAI"] == "sk-test"
            assert vendo.token("openai") == "sk-test"

        def test_two():
            assert "VENDO_TOKEN_OPENAI" not in os.environ
        """
    ).assert_outcomes(passed=2)


def test_fake_token_is_recognisable_and_the_same_at_each_call(run: Run) -> None:
    run(
        """
        import vendo

        def test_it(vendo_token, vendo_tokens):
            fake = vendo_token("my-tool")
            assert fake == vendo_token("My-Tool") == vendo.token("my-tool")
            assert "test" in fake and "my-tool" in fake
            assert vendo_tokens("stripe", openai="sk-test", slack=None) == {
                "stripe": vendo.token("stripe"),
                "openai": "sk-test",
                "slack": vendo.token("slack"),
            }
        """
    ).assert_outcomes(passed=1)


def test_value_is_the_one_that_the_library_returns(run: Run) -> None:
    run(
        """
        import vendo

        def test_it(vendo_token, vendo_tokens):
            assert vendo_token("openai", " sk test\\n") == vendo.token("openai") == "sk test"
            assert vendo_tokens(slack=" x ") == {"slack": vendo.token("slack")}
        """
    ).assert_outcomes(passed=1)


def test_token_wins_in_vendo_mode_too(run: Run) -> None:
    run(
        """
        import vendo

        def test_it(vendo_token, monkeypatch):
            monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "x" * 32)
            vendo_token("openai", "sk-test")
            assert vendo.token("openai") == "sk-test"
        """
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize("order", ["monkeypatch, vendo_token", "vendo_token, monkeypatch"])
def test_environment_is_restored_with_monkeypatch_in_any_order(
    run: Run, monkeypatch: pytest.MonkeyPatch, order: str
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_SLACK", "of-before")
    run(
        f"""
        import os

        def test_ours_first({order}):
            vendo_token("openai", "ours")
            vendo_token("slack", "ours")
            monkeypatch.setenv("VENDO_TOKEN_OPENAI", "theirs")
            monkeypatch.delenv("VENDO_TOKEN_SLACK")

        def test_nothing_is_left_of_ours():
            assert "VENDO_TOKEN_OPENAI" not in os.environ
            assert os.environ["VENDO_TOKEN_SLACK"] == "of-before"

        def test_theirs_first({order}):
            monkeypatch.setenv("VENDO_TOKEN_OPENAI", "theirs")
            monkeypatch.setenv("VENDO_TOKEN_SLACK", "theirs")
            vendo_token("openai", "ours")
            vendo_token("slack", "ours")

        def test_nothing_is_left_of_theirs():
            assert "VENDO_TOKEN_OPENAI" not in os.environ
            assert os.environ["VENDO_TOKEN_SLACK"] == "of-before"
        """
    ).assert_outcomes(passed=4)


def test_marker_sets_tokens_and_the_closest_one_wins(run: Run) -> None:
    run(
        """
        import pytest, vendo

        pytestmark = pytest.mark.vendo("slack", openai="of-module")

        class TestIt:
            pytestmark = pytest.mark.vendo(openai="of-class")

            @pytest.mark.vendo(openai="of-test", gmail="g-test")
            def test_closest(self):
                assert vendo.token("openai") == "of-test"
                assert vendo.token("gmail") == "g-test"
                assert "test" in vendo.token("slack")

            def test_next(self):
                assert vendo.token("openai") == "of-class"

        def test_last():
            assert vendo.token("openai") == "of-module"
        """,
        "--strict-markers",
    ).assert_outcomes(passed=3)


def test_marker_applies_before_fixtures(run: Run) -> None:
    run(
        """
        import pytest, vendo

        @pytest.fixture(scope="module")
        def early():
            return vendo.token("openai")

        @pytest.mark.vendo(openai="sk-test")
        def test_it(early):
            assert early == "sk-test"
        """
    ).assert_outcomes(passed=1)


def test_unittest_classes_support_markers_and_fixtures(run: Run) -> None:
    run(
        """
        import os, unittest, pytest, vendo

        @pytest.mark.vendo(openai="sk-test")
        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                cls.early = vendo.token("openai")

            def setUp(self):
                assert vendo.token("openai") == "sk-test"

            @pytest.fixture(autouse=True)
            def _give(self, vendo_token):
                vendo_token("slack", "xoxb-test")

            def test_both(self):
                self.assertEqual(self.early, "sk-test")
                self.assertEqual(vendo.token("slack"), "xoxb-test")

        class TestAfter(unittest.TestCase):
            def test_gone(self):
                self.assertNotIn("VENDO_TOKEN_SLACK", os.environ)
        """
    ).assert_outcomes(passed=2)


def test_ini_option_sets_tokens_for_the_whole_suite_and_conftest_files(
    run: Run, suite: pytest.Pytester
) -> None:
    suite.makeconftest("import vendo\nAT_IMPORT = vendo.token('openai')")
    result = run(
        """
        import os, vendo
        from conftest import AT_IMPORT
        from vendo_pytest import VendoToken

        def test_ini():
            assert AT_IMPORT == vendo.token("openai") == "sk-ini = with equals"
            assert "test" in vendo.token("slack")

        def test_closer(vendo_token: VendoToken):
            vendo_token("openai", "closer")
            assert vendo.token("openai") == "closer"

        def test_again():
            assert vendo.token("openai") == "sk-ini = with equals"
        """,
        ini="vendo_tokens =\n    OpenAI = sk-ini = with equals\n    slack",
    )

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["vendo: test tokens for openai, slack"])
    result.stdout.no_fnmatch_line("*sk-ini*")


def test_native_toml_list_works_too(suite: pytest.Pytester) -> None:
    suite.makepyprojecttoml(
        '[tool.pytest.ini_options]\nvendo_tokens = ["# ours", "openai = sk-toml"]'
    )
    suite.makepyfile("import vendo\ndef test_it(): assert vendo.token('openai') == 'sk-toml'")
    suite.runpytest_subprocess("-p", "vendo").assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("no slug = sk-canary", "*vendo_tokens: A slug is made of ASCII letters*'no slug'*"),
        ("openai =", "*vendo_tokens: 'openai' has no token after the =*"),
        ("openai = sk-canary\1", "*vendo_tokens: The token for 'openai' contains a control *"),
    ],
)
def test_malformed_ini_line_ends_the_run_with_one_line(run: Run, line: str, message: str) -> None:
    result = run("def test_it(): pass", ini=f"vendo_tokens = {line}")

    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {message}"])
    assert "canary" not in result.stderr.str() + result.stdout.str()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        ('vendo_token("no slug", "sk-canary" + "-1")', "*ValidationError: A slug is*"),
        ('vendo_token("openai", b"sk-canary" + b"-1")', "*TypeError: *must be a str, not bytes*"),
        ('vendo_token("openai", "  ")', "*ValueError: *is blank*vendo_isolated*"),
        ('vendo_tokens("no slug", openai="sk-canary" + "-1")', "*ValidationError: A slug is*"),
        *[
            (
                f'vendo_token("openai", "sk-canary" + "-1{character}2")',
                "E *ValidationError: The token for 'openai' contains *Fix: *on one line.",
            )
            for character in (r"\0", r"\n", r"\x85", r"\u2028", r"\ud800")
        ],
    ],
)
def test_mistake_in_a_test_is_one_error_without_values(run: Run, call: str, message: str) -> None:
    result = run(f"def test_it(vendo_token, vendo_tokens):\n    {call}", "--showlocals")

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines([message])
    assert "canary-1" not in result.stdout.str()


def test_mistake_in_a_marker_names_the_slug_and_restores_the_environment(run: Run) -> None:
    result = run(
        """
        import os, pytest

        @pytest.mark.vendo("openai", "no slug")
        def test_it():
            pass

        def test_next():
            assert "VENDO_TOKEN_OPENAI" not in os.environ
        """,
        "-p",
        "no:randomly",
    )

    result.assert_outcomes(errors=1, passed=1)
    result.stdout.fnmatch_lines(["*ValidationError*'no slug'*"])


def test_conftest_file_may_name_the_plugin(suite: pytest.Pytester) -> None:
    suite.makeconftest("pytest_plugins = ['vendo_pytest.plugin']")
    suite.makeini("[pytest]\nvendo_tokens = openai = sk-ini\nvendo_guard = true")
    suite.makepyfile(
        """
        import pytest, vendo
        from vendo_pytest import GuardError

        @pytest.mark.vendo(slack="xoxb-test")
        def test_it():
            assert vendo.tokens(["openai", "slack"]) == {"openai": "sk-ini", "slack": "xoxb-test"}
            with pytest.raises(GuardError):
                vendo.token("gmail")
        """
    )
    arguments = ["--strict-markers", "--strict-config", "-W", "error"]
    suite.runpytest_subprocess(*arguments).assert_outcomes(passed=1)


def test_fixtures_work_with_getfixturevalue(run: Run) -> None:
    run(
        """
        import os, vendo

        def test_it(request):
            request.getfixturevalue("vendo_token")("openai", "sk-test")
            assert vendo.token("openai") == "sk-test"

        def test_gone():
            assert "VENDO_TOKEN_OPENAI" not in os.environ
        """
    ).assert_outcomes(passed=2)


def test_repr_of_fixture_objects_has_no_token(run: Run) -> None:
    result = run(
        """
        def test_it(vendo_token, vendo_tokens, vendo_usage):
            vendo_tokens(openai="sk-canary"[:3] + "canary")
            text = repr([vendo_token, vendo_tokens, vendo_usage])
            assert text == "[<VendoToken>, <VendoTokens>, <VendoUsage: none>]"
            assert 0, "and fails, with all fixtures shown"
        """,
        "--showlocals",
        "-vv",
    )

    result.assert_outcomes(failed=1)
    assert "sk-canary" not in result.stdout.str().replace('"sk-canary"', "")
