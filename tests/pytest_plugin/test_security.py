"""The claims of docs/security.md on the pytest plugin."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


def test_with_vendo_guard_a_test_gets_no_real_token(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("VENDO_TOKEN_SLACK", "xoxb-canary")
    # Another process is the real Vendo.
    result = run(
        """
        import asyncio, json, pytest, subprocess, sys, vendo
        from vendo_pytest import GuardError

        REAL = '''
        from vendo.testing import LocalVendo
        with LocalVendo(["gmail"]) as real:
            print(real.url, real.api_key, flush=True)
            input()
        '''.replace("\\\\n        ", "\\\\n")

        @pytest.fixture
        def real():
            with subprocess.Popen(
                [sys.executable, "-c", REAL],
                text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            ) as process:
                url, key = process.stdout.readline().split()
                yield {"api_key": key, "base_url": url, "credentials_url": url + "/credentials"}
                process.communicate("end")

        @pytest.mark.parametrize("slug", ["openai", "slack", "gmail"])
        def test_without_server(slug, real):
            with pytest.raises(GuardError):
                vendo.token(slug)
            with pytest.raises(GuardError):
                vendo.Vendo(**real).tokens([slug])

        def test_with_server(vendo_server, real):
            vendo_server.connect("gmail")
            assert vendo.token("gmail")
            with pytest.raises(GuardError):
                vendo.Vendo(**real).token("gmail")
            with pytest.raises(GuardError):
                asyncio.run(vendo.AsyncVendo(**real).token("gmail"))
        """,
        ini="vendo_guard = true",
    )

    result.assert_outcomes(passed=4)


def test_vendo_leaks_fails_a_test_that_shows_a_token(run: Run) -> None:
    result = run(
        """
        import logging, warnings, pytest, vendo

        @pytest.mark.parametrize("show", [print, logging.warning, warnings.warn])
        def test_it(vendo_leaks, vendo_token, show):
            vendo_token("openai", "sk-can" + "ary")
            show(vendo.token("openai"))
        """,
        "-W",
        "default",
    )

    assert result.parseoutcomes()["failed"] == 3
    assert "canary" not in result.stdout.str() + result.stderr.str()
