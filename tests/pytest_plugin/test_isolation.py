"""Isolation: tests without the credentials of the machine."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

REAL = {
    "VENDO_API_KEY": "vendo_sk_real",
    "VENDO_TOKEN_GITHUB": "gh-real",
    "OPENAI_API_KEY": "sk-real",  # a primary,
    "NOTION_API_TOKEN": "ntn-real",  # an alternative,
    "SLACK_SIGNING_SECRET": "s-real",  # and a companion
    "VENDO_API_KEY_FILE": "/run/secrets/vendo",
    "VENDO_TOKEN_GMAIL_FILE": "/run/secrets/gmail",
    "STRIPE_SECRET_KEY_FILE": "/run/secrets/stripe",
    "OPENAI_BASE_URL": "https://gateway.example.com",  # where a credential would go
}


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch, suite: pytest.Pytester) -> None:
    for name, value in REAL.items():
        monkeypatch.setenv(name, value)


def test_isolated_test_has_no_credentials_and_the_next_one_has_them(run: Run) -> None:
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
def test_provided_tokens_stay_in_an_isolated_test(run: Run, order: str) -> None:
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


def test_ini_option_isolates_the_whole_suite_and_its_imports(
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


def test_live_option_restores_the_environment_for_the_run(run: Run) -> None:
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


def test_run_inside_a_process_restores_the_environment(
    suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    suite.makeini("[pytest]\nvendo_isolate = true\nvendo_tokens = stripe\nvendo_guard = true")
    suite.makepyfile(test_it="def test_it(): pass")
    suite.makepyfile(
        program="""
        import os, pytest

        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]  # set by the outer pytest
        before = dict(os.environ)
        assert pytest.main(["-p", "vendo", "test_it.py"]) == 0
        assert dict(os.environ) == before

        from vendo.testing import install_interceptor
        assert install_interceptor(None) is None
        """
    )

    assert suite.runpython(suite.path / "program.py").ret == 0


def test_fixture_removes_the_tokens_of_the_ini_file_too(run: Run) -> None:
    run(
        """
        import vendo

        def test_isolated(vendo_isolated):
            assert vendo.token("openai", default=None) is None

        def test_given(vendo_isolated, vendo_token):
            vendo_token("openai", "mine")
            assert vendo.token("openai") == "mine"

        def test_other():
            assert vendo.token("openai") == "sk-ini"
        """,
        ini="vendo_tokens = openai = sk-ini",
    ).assert_outcomes(passed=3)
