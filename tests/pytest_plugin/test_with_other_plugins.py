"""The plugin together with other plugins."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


@pytest.mark.parametrize("order", [("vendo", "django"), ("django", "vendo")])
def test_django_settings_get_test_tokens(
    run: Run, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, order: tuple[str, str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    suite.makepyfile(
        project_settings="""
        import vendo

        SECRET_KEY = "x"
        OPENAI_API_KEY = vendo.token("openai")
        STRIPE_API_KEY = vendo.token("stripe")
        """
    )
    result = run(
        """
        def test_settings(settings):
            assert settings.OPENAI_API_KEY == "sk-ini"
            assert settings.STRIPE_API_KEY == "vendo-test-token-stripe"
        """,
        "-p",
        order[1],
        plugin=("-p", order[0]),
        ini="""
vendo_tokens =
    openai = sk-ini
    stripe
vendo_guard = true
vendo_isolate = true
DJANGO_SETTINGS_MODULE = project_settings
""",
    )

    result.assert_outcomes(passed=1)
    assert "sk-ini" not in result.stdout.str()


def test_django_settings_without_test_token_end_the_run(
    run: Run, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    suite.makepyfile(project_settings="import vendo\nKEY = vendo.token('openai')")
    result = run(
        "def test_it(): pass",
        "-p",
        "django",
        ini="vendo_guard = true\nDJANGO_SETTINGS_MODULE = project_settings",
    )

    assert result.ret != 0
    result.stderr.fnmatch_lines(["*GuardError: *'openai'*vendo_tokens*"])
    assert "canary" not in result.stdout.str() + result.stderr.str()


def test_guard_works_in_xdist_workers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    run(
        """
        import os, pytest, vendo
        from vendo_pytest import GuardError

        # The same in every worker, otherwise xdist does not run.
        @pytest.mark.parametrize("token", [vendo.token("stripe"), vendo.token("gmail")])
        @pytest.mark.parametrize("n", range(4))
        def test_it(token, n, vendo_token, vendo_server, worker_id):
            assert worker_id != "master"
            assert vendo_token("slack") == "vendo-test-token-slack"
            assert token in {"vendo-test-token-stripe", "g-ini"}
            vendo_server.connect("openai")
            assert vendo.token("openai") == vendo_server.token("openai")

        @pytest.mark.parametrize("n", range(4))
        def test_guard(n):
            with pytest.raises(GuardError):
                vendo.token("openai")
        """,
        "-p",
        "xdist",
        "-n",
        "2",
        ini="vendo_guard = true\nvendo_tokens =\n    stripe\n    gmail = g-ini",
    ).assert_outcomes(passed=12)


def test_live_option_reaches_xdist_workers(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    run(
        "import vendo\ndef test_it(): assert vendo.token('openai') == 'sk-real'",
        "-p",
        "xdist",
        "-n",
        "1",
        "--vendo-live",
        ini="vendo_guard = true\nvendo_isolate = true",
    ).assert_outcomes(passed=1)


def test_live_test_has_the_real_credentials_in_xdist_workers(
    run: Run, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("VENDO_TOKEN_STRIPE", "sk-canary")
    suite.makeconftest("import os\nassert 'OPENAI_API_KEY' not in os.environ")
    result = run(
        """
        import os, pytest, vendo

        @pytest.mark.vendo_live
        @pytest.mark.parametrize("n", range(4))
        def test_live(n):
            assert len(vendo.token("openai")) == len("sk-canary")
            assert vendo.token("stripe") == "sk-ini"

        @pytest.mark.parametrize("n", range(4))
        def test_it(n):
            assert vendo.tokens(["openai", "stripe"]) == {"openai": None, "stripe": "sk-ini"}
        """,
        "-p",
        "xdist",
        "-n",
        "2",
        "-v",
        ini="vendo_isolate = true\nvendo_tokens = stripe = sk-ini",
    )

    result.assert_outcomes(passed=8)
    assert "canary" not in result.stdout.str() + result.stderr.str()


def test_leaks_are_found_and_masked_in_xdist_workers(run: Run) -> None:
    result = run(
        """
        import vendo

        def test_it(vendo_leaks, vendo_token):
            vendo_token("openai", "sk-can" + "ary")
            print(vendo.token("openai"))
        """,
        "-p",
        "xdist",
        "-n",
        "1",
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["vendo_leaks: *openai in the captured stdout call*"])
    assert "canary" not in result.stdout.str()


ASYNC = """
import asyncio, pytest, vendo

{mark}
async def test_token(vendo_server, vendo_async_client, vendo_usage):
    vendo_server.connect("gmail")
    tokens = await asyncio.gather(*[vendo_async_client.token("gmail") for _ in range(20)])
    assert set(tokens) == {{await vendo.aio.token("gmail")}} == {{vendo_server.token("gmail")}}
    assert vendo_server.count("credentials") == 1
    await vendo_async_client.aclose()  # the oldest pytest-asyncio leaves that to the collector
    await vendo.aio.aclose()

{mark}
async def test_session(vendo_server, vendo_async_client):
    vendo_server.connect("gmail")
    vendo_server.expire("gmail")
    base_url = vendo_server.provider_url("gmail")
    async with await vendo_async_client.session("gmail", base_url=base_url) as session:
        async with session.get("gmail/v1/users/me/profile") as response:
            assert response.status == 200
    await vendo_async_client.aclose()

{mark}
@pytest.mark.vendo(openai="sk-test")
async def test_given(vendo_token):
    vendo_token("slack", "xoxb-test")
    assert await vendo.aio.tokens(["openai", "slack"]) == {{
        "openai": "sk-test", "slack": "xoxb-test"
    }}

{mark}
async def test_guarded():
    from vendo_pytest import GuardError
    with pytest.raises(GuardError):
        await vendo.aio.token("openai")
"""


def test_pytest_asyncio(run: Run) -> None:
    run(
        ASYNC.format(mark="@pytest.mark.asyncio"),
        "-p",
        "asyncio",
        "-W",
        "ignore:The configuration option",  # some releases do not know it
        ini="vendo_guard = true",
    ).assert_outcomes(passed=4)


def test_anyio(run: Run) -> None:
    run(
        ASYNC.format(mark="@pytest.mark.anyio")
        + "\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'",
        "-p",
        "anyio",
        ini="vendo_guard = true",
    ).assert_outcomes(passed=4)


@pytest.mark.parametrize("seed", ["1", "2", "3"])
def test_randomly_ordered_tests_are_independent(run: Run, seed: str) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.mark.parametrize("n", range(5))
        class TestIt:
            def test_given(self, n, vendo_token):
                vendo_token("openai", f"sk-{n}")
                assert vendo.token("openai") == f"sk-{n}"

            def test_server(self, n, vendo_server, vendo_token):
                vendo_server.connect("openai", token=f"sk-server-{n}")
                assert vendo.token("openai") == f"sk-server-{n}"

            def test_isolated(self, n, vendo_isolated):
                assert vendo.tokens(["openai"]) == {"openai": None}
                os.environ["OPENAI_API_KEY"] = "x"

            def test_nothing(self, n):
                assert not {name for name in os.environ if name.startswith("VENDO_")}
        """,
        "-p",
        "randomly",
        f"--randomly-seed={seed}",
    ).assert_outcomes(passed=20)


def test_guarded_run_inside_a_guarded_run(run: Run) -> None:
    run(
        """
        import os, pytest, vendo
        from vendo_pytest import GuardError

        INNER = '''
            import pytest, vendo
            from vendo_pytest import GuardError

            @pytest.mark.vendo(gmail="g-inner")
            def test_inner(vendo_token, vendo_server):
                vendo_token("openai", "sk-inner")
                vendo_server.connect("notion")
                assert vendo.token("openai") == "sk-inner"
                assert vendo.token("gmail") == "g-inner"
                assert vendo.token("notion") == vendo_server.token("notion")

            def test_inner_guard():
                with pytest.raises(GuardError):
                    vendo.token("openai")
        '''

        @pytest.mark.parametrize("guard", ["true", "false"])
        def test_outer(pytester, vendo_token, guard):
            vendo_token("openai", "sk-outer")
            pytester.makeini(f"[pytest]\\nvendo_guard = {guard}\\nvendo_isolate = true")
            pytester.makepyfile(INNER)
            pytester.runpytest_inprocess("-p", "vendo").assert_outcomes(passed=2)
            assert vendo.token("openai") == "sk-outer"
            with pytest.raises(GuardError):
                vendo.token("gmail")
        """,
        "-p",
        "pytester",
        ini="vendo_guard = true",
    ).assert_outcomes(passed=2)
