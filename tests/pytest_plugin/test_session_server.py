"""`vendo_session_server`: a local server for fixtures of a wider scope."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch, suite: pytest.Pytester) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_real")
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "g-real")


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
@pytest.mark.parametrize(
    "ini", ["", "vendo_isolate = true\nvendo_guard = true\nvendo_tokens = gmail = g-ini"]
)
def test_what_a_wider_fixture_prepares_stays_for_its_tests(run: Run, scope: str, ini: str) -> None:
    run(
        f"""
        import os, pytest, vendo

        @pytest.fixture(scope="{scope}")
        def mailbox(vendo_session_server):
            vendo_session_server.connect("gmail")
            assert vendo.session("gmail").get("gmail/v1/users/me/profile").ok
            yield vendo_session_server
            assert vendo.token("gmail")
            vendo_session_server.disconnect("gmail")

        class TestIt:
            @pytest.mark.parametrize("n", range(3))
            def test_mailbox(self, mailbox, n):
                assert vendo.token("gmail") == mailbox.token("gmail")
                assert vendo.connections.connected_slugs() == ["gmail"]

            @pytest.mark.parametrize("n", range(2))
            def test_own_server(self, mailbox, vendo_server, n):
                assert vendo_server.url != mailbox.url
                assert vendo.connections.connected_slugs() == []
                vendo_server.connect("gmail", token="g-of-the-test")
                assert vendo.token("gmail") == "g-of-the-test"

            @pytest.mark.vendo(gmail="g-test", openai="sk-test")
            def test_given(self, mailbox, vendo_token):
                vendo_token("slack", "xoxb-test")
                assert vendo.tokens(["gmail", "openai", "slack"]) == {{
                    "gmail": "g-test", "openai": "sk-test", "slack": "xoxb-test"
                }}
                vendo_token("openai", "sk-test-2")

            def test_isolated(self, mailbox, vendo_isolated):
                assert not vendo.is_vendo_mode()
        """,
        ini=ini,
    ).assert_outcomes(passed=7)


def test_the_environment_returns_after_the_session(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        test_it="""
        import vendo

        def test_it(vendo_session_server):
            assert vendo.connections.connected_slugs() == []
        """,
        program="""
        import os, pytest

        for name in [name for name in os.environ if name.startswith("PYTEST_")]:
            del os.environ[name]  # set by the outer pytest
        before = dict(os.environ)
        assert pytest.main(["-p", "vendo", "test_it.py"]) == 0
        assert dict(os.environ) == before
        """,
    )
    assert suite.runpython(suite.path / "program.py").ret == 0


@pytest.mark.parametrize("ini", ["", "vendo_isolate = true\nvendo_guard = true"])
def test_a_live_test_has_the_real_environment(run: Run, ini: str) -> None:
    run(
        """
        import os, pytest, vendo

        def test_before(vendo_session_server):
            assert os.environ["VENDO_API_KEY"] == vendo_session_server.api_key

        @pytest.mark.vendo_live
        def test_live(vendo_session_server):
            assert os.environ["VENDO_API_KEY"] == "vendo_sk_real"
            assert os.environ["GMAIL_ACCESS_TOKEN"] == "g-real"
            assert "VENDO_BASE_URL" not in os.environ

        test_after = test_before
        """,
        "-p",
        "no:randomly",
        ini=ini,
    ).assert_outcomes(passed=3)


def test_the_guard_accepts_its_tokens_alone_and_names_it(run: Run) -> None:
    result = run(
        """
        import os, pytest, requests, vendo
        from vendo_pytest import GuardError

        @pytest.fixture(scope="session")
        def early():
            with pytest.raises(GuardError, match="the fixture vendo_session_server"):
                vendo.token("slack")
            with pytest.raises(GuardError, match="the fixture vendo_session_server"):
                requests.get("https://slack.com/api/api.test", timeout=10)

        @pytest.fixture(scope="session")
        def mailbox(early, vendo_session_server):
            vendo_session_server.connect("gmail")
            assert vendo.token("gmail")

        def test_it(mailbox):
            with pytest.raises(vendo.NotConnected):
                vendo.token("slack")
            with pytest.raises(GuardError, match=r"vendo_session_server\\.provider_url"):
                requests.get("https://slack.com/api/api.test", timeout=10)
            os.environ["VENDO_TOKEN_SLACK"] = "xoxb-real"
            with pytest.raises(GuardError):
                vendo.token("slack")
        """,
        ini="vendo_guard = true",
    )
    result.assert_outcomes(passed=1)


def test_each_worker_has_its_own(run: Run) -> None:
    run(
        """
        import pytest, vendo

        @pytest.fixture(scope="session", autouse=True)
        def mailbox(vendo_session_server, worker_id):
            vendo_session_server.connect("gmail", token=f"g-{worker_id}")

        @pytest.mark.parametrize("n", range(6))
        def test_it(n, worker_id):
            assert vendo.token("gmail") == f"g-{worker_id}"
        """,
        "-p",
        "xdist",
        "-n",
        "2",
        ini="vendo_guard = true\nvendo_isolate = true",
    ).assert_outcomes(passed=6)


@pytest.mark.parametrize("isolates", ["true", "false"])
def test_other_tests_do_not_see_it(run: Run, isolates: str) -> None:
    run(
        """
        import os, pytest, vendo
        from vendo_pytest import GuardError

        @pytest.fixture(scope="module")
        def mailbox(vendo_session_server):
            vendo_session_server.connect("gmail")
            os.environ["VENDO_TOKEN_NOTION"] = "n-of-the-fixture"
            yield vendo_session_server
            assert vendo.token("gmail") == vendo_session_server.token("gmail")
            assert os.environ["VENDO_TOKEN_NOTION"] == "n-of-the-fixture"
            del os.environ["VENDO_TOKEN_NOTION"]

        def test_uses_it(mailbox):
            assert vendo.token("gmail") == mailbox.token("gmail")
            assert os.environ["VENDO_TOKEN_NOTION"] == "n-of-the-fixture"
            with pytest.raises(vendo.NotConnected):
                vendo.token("slack")

        def test_uses_it_not():
            assert "VENDO_BASE_URL" not in os.environ
            assert vendo.token("slack") == "xoxb-ini"
            with pytest.raises(GuardError):
                vendo.token("gmail")

        def test_uses_another(vendo_server):
            assert vendo.connections.connected_slugs() == []

        @pytest.mark.vendo(slack="xoxb-test")
        def test_has_tokens_too(mailbox):
            assert vendo.tokens(["gmail", "slack"]) == {
                "gmail": mailbox.token("gmail"), "slack": "xoxb-test"
            }

        test_uses_it_again = test_uses_it
        test_uses_it_not_either = test_uses_it_not
        """,
        ini=f"vendo_isolate = {isolates}\nvendo_guard = true\nvendo_tokens = slack = xoxb-ini",
    ).assert_outcomes(passed=6)
