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


@pytest.mark.parametrize("ini", ["", "vendo_isolate = true"])
@pytest.mark.parametrize("order", [("test_1.py", "test_2.py"), ("test_2.py", "test_1.py")])
def test_wider_fixtures_that_do_not_ask_for_it_do_not_see_it(
    suite: pytest.Pytester, ini: str, order: tuple[str, str]
) -> None:
    suite.makeini(f"[pytest]\nvendo_tokens = stripe\n{ini}")
    suite.makepyfile(
        test_1="""
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def mb(vendo_session_server):
            yield vendo_session_server
            assert vendo.connections.connected_slugs() == []

        @pytest.fixture(scope="module", autouse=True)
        def plain():
            assert vendo.token("stripe") == "vendo-test-token-stripe"
            yield
            assert vendo.token("stripe") == "vendo-test-token-stripe"
            assert "VENDO_BASE_URL" not in os.environ

        def test_mb(mb):
            with pytest.raises(vendo.NotConnected):
                vendo.token("stripe")

        def test_given(mb, vendo_token):
            vendo_token("stripe", "sk")
            assert vendo.token("stripe") == "sk"
        """,
        test_2="""
        import pytest, vendo

        @pytest.fixture(scope="module")
        def plain():
            yield
            assert vendo.token("stripe") == "vendo-test-token-stripe"

        def test_plain(plain):
            pass
        """,
    )
    suite.runpytest_subprocess("-p", "vendo", *order).assert_outcomes(passed=3)


@pytest.mark.parametrize("ini", ["", "vendo_isolate = true\nvendo_tokens = stripe"])
@pytest.mark.parametrize("arguments", ["a, mb", "mb, a"])
def test_tokens_of_other_wider_fixtures_stay(run: Run, ini: str, arguments: str) -> None:
    run(
        f"""
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def a():
            os.environ["VENDO_TOKEN_SLACK"] = "xoxb-test"
            os.environ["VENDO_API_KEY"] = "vendo_sk_" + "x" * 32
            yield
            assert os.environ["VENDO_TOKEN_SLACK"] == "xoxb-test"

        @pytest.fixture(scope="session")
        def mb(vendo_session_server):
            vendo_session_server.connect("gmail")
            yield vendo_session_server
            assert vendo.token("gmail")

        @pytest.fixture(scope="session")
        def c(mb):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("GMAIL_ACCESS_TOKEN", "g-test")
                patch.setenv("VENDO_TOKEN_NOTION", "n-test")
                yield

        def test_before(a):
            assert vendo.token("slack") == "xoxb-test"

        @pytest.mark.parametrize("n", range(2))
        def test_it({arguments}, c, n):
            assert vendo.tokens(["slack", "gmail", "notion"]) == {{
                "slack": "xoxb-test", "gmail": mb.token("gmail"), "notion": "n-test"
            }}
            assert "STRIPE_API_KEY" not in os.environ

        def test_after(a):
            assert vendo.token("slack") == "xoxb-test"
            assert os.environ["VENDO_API_KEY"] == "vendo_sk_" + "x" * 32
        """,
        "-p",
        "no:randomly",
        ini=ini,
    ).assert_outcomes(passed=4)


def test_what_it_hides_returns_with_the_fixture_that_set_it_over(run: Run) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="class")
        def patched(vendo_session_server):
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("GMAIL_ACCESS_TOKEN", "g-test")
                yield

        class TestIt:
            @pytest.mark.parametrize("n", range(2))
            def test_it(self, patched, n):
                assert os.environ["GMAIL_ACCESS_TOKEN"] == "g-test"

        def test_after():
            assert os.environ["GMAIL_ACCESS_TOKEN"] == "g-real"
            assert os.environ["VENDO_API_KEY"] == "vendo_sk_real"
        """,
        "-p",
        "no:randomly",
    ).assert_outcomes(passed=3)


@pytest.mark.parametrize(
    "ini", ["", "vendo_isolate = true\nvendo_guard = true\nvendo_tokens = gmail = g-ini"]
)
@pytest.mark.parametrize("scope", ["function", "module", "session"])
def test_requested_by_name_it_is_used_in_each_test(run: Run, ini: str, scope: str) -> None:
    run(
        f"""
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def mailbox(vendo_session_server):
            vendo_session_server.connect("gmail")
            return vendo_session_server

        @pytest.fixture(scope="session")
        def by_name(request):
            return request.getfixturevalue("mailbox")

        @pytest.fixture(scope="session")
        def none():
            return None

        @pytest.fixture(scope="{scope}", params=["mailbox", "by_name", "none"])
        def backend(request):
            server = request.getfixturevalue(request.param)
            assert server is None or vendo.token("gmail") == server.token("gmail")
            yield server
            assert server is None or vendo.token("gmail") == server.token("gmail")

        @pytest.mark.parametrize("n", range(2))
        def test_it(backend, n):
            if backend is None:
                assert "VENDO_BASE_URL" not in os.environ
            else:
                assert vendo.token("gmail") == backend.token("gmail")

        @pytest.mark.parametrize("n", range(2))
        @pytest.mark.parametrize("name", ["vendo_session_server", "mailbox", "by_name"])
        def test_in_the_test(n, name, request):
            assert "VENDO_BASE_URL" not in os.environ
            server = request.getfixturevalue(name)
            assert vendo.token("gmail") == server.token("gmail")

        @pytest.mark.parametrize("n", range(2))
        def test_other(n, vendo_isolated):
            assert vendo.token("gmail", default=None) is None
        """,
        "-p",
        "no:randomly",
        ini=ini,
    ).assert_outcomes(passed=14)
