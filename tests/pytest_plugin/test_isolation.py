"""Tests that find no credential of the machine they run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

REAL = {
    "VENDO_API_KEY": "vendo_sk_real",
    "VENDO_TOKEN_GITHUB": "gh-real",
    "OPENAI_API_KEY": "sk-real",  # a primary,
    "NOTION_API_TOKEN": "ntn-real",  # an alternative,
    "SLACK_SIGNING_SECRET": "s-real",  # and a companion
}


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch, suite: pytest.Pytester) -> None:
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)


def test_an_isolated_test_is_without_every_credential_and_the_next_one_has_them(run: Run) -> None:
    run(
        f"""
        import os, pytest, vendo

        REAL = {REAL!r}

        def test_isolated(vendo_isolated):
            assert not REAL.keys() & os.environ.keys()
            assert not any(name.startswith("VENDO_") for name in os.environ)
            assert not vendo.is_vendo_mode()
            with pytest.raises(vendo.NotConnected):
                vendo.token("openai")

        def test_next():
            assert REAL.items() <= os.environ.items()
        """
    ).assert_outcomes(passed=2)


@pytest.mark.parametrize("order", ["vendo_isolated, vendo_token", "vendo_token, vendo_isolated"])
def test_what_was_given_stays_whatever_comes_first(run: Run, order: str) -> None:
    run(
        f"""
        import os, pytest, vendo

        @pytest.fixture
        def given(vendo_token):
            vendo_token("openai", "sk-test")

        @pytest.mark.vendo(gmail="g-test")
        def test_isolated({order.replace("vendo_token", "given")}):
            assert vendo.tokens(["openai", "gmail", "github"]) == {{
                "openai": "sk-test", "gmail": "g-test", "github": None
            }}
        """
    ).assert_outcomes(passed=1)


def test_the_ini_option_isolates_the_whole_suite_imports_included(
    run: Run, suite: pytest.Pytester
) -> None:
    suite.makeconftest("import os\nAT_IMPORT = dict(os.environ)")
    result = run(
        f"""
        import os, pytest, vendo
        from conftest import AT_IMPORT

        REAL = {REAL!r}

        def test_isolated():
            assert not REAL.keys() & os.environ.keys()
            assert not REAL.keys() & AT_IMPORT.keys()
            assert vendo.tokens(["openai", "stripe"]) == {{"openai": None, "stripe": "sk-ini"}}
            os.environ["OPENAI_API_KEY"] = "loaded from a file by a careless program"

        def test_again():
            assert vendo.tokens(["openai"]) == {{"openai": None}}

        @pytest.mark.vendo_live
        def test_live():
            assert REAL.items() <= os.environ.items()
        """,
        "-p",
        "no:randomly",
        ini="vendo_isolate = true\nvendo_tokens = stripe = sk-ini",
    )

    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["vendo: isolated environment, test tokens for stripe"])


def test_vendo_live_brings_the_environment_back_for_the_whole_run(run: Run) -> None:
    result = run(
        f"""
        import os

        def test_it():
            assert {REAL!r}.items() <= os.environ.items()
        """,
        "--vendo-live",
        ini="vendo_isolate = true",
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["vendo: real credentials may be used (--vendo-live)"])


def test_a_run_inside_a_process_leaves_the_environment_as_it_was(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makeini("[pytest]\nvendo_isolate = true\nvendo_tokens = stripe\nvendo_guard = true")
    suite.makepyfile(test_it="def test_it(): pass")
    suite.makepyfile(
        program="""
        import os, pytest

        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]  # pytest's own, of the test that has started this
        before = dict(os.environ)
        assert pytest.main(["-p", "vendo", "test_it.py"]) == 0
        assert dict(os.environ) == before

        from vendo.testing import install_interceptor
        assert install_interceptor(None) is None
        """
    )

    assert suite.runpython(suite.path / "program.py").ret == 0
