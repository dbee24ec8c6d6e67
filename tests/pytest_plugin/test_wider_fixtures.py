"""Fixtures of a wider scope: the same whichever test they are set up or torn down with."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

FIXED = ("-p", "no:randomly")
STRICT = "vendo_isolate = true\nvendo_guard = true\nvendo_tokens = slack = xoxb-ini"


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch, suite: pytest.Pytester) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    monkeypatch.setenv("STRIPE_API_KEY", "sk_real")


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_teardown_with_a_live_test_is_isolated_and_guarded(run: Run, scope: str) -> None:
    run(
        f"""
        import os, pytest, requests, vendo
        from vendo_pytest import GuardError

        @pytest.fixture(scope="{scope}")
        def account(request):
            os.environ["OPENAI_API_KEY"] = "sk-test"
            def late():
                assert os.environ["OPENAI_API_KEY"] == "sk-test"
            yield lambda: request.addfinalizer(late)
            assert os.environ["OPENAI_API_KEY"] == "sk-test"
            with pytest.raises(GuardError, match="scope {scope}"):
                vendo.token("stripe")
            with pytest.raises(GuardError):
                requests.get("https://slack.com/api/api.test", timeout=10)

        class TestIt:
            def test_one(self, account):
                account()

            @pytest.mark.vendo_live
            def test_live(self):
                assert vendo.tokens(["openai", "stripe"]) == {{
                    "openai": "sk-real", "stripe": "sk_real"
                }}
        """,
        *FIXED,
        ini=STRICT,
    ).assert_outcomes(passed=2)


@pytest.mark.parametrize("error", ["SystemExit", "asyncio.CancelledError", "RuntimeError"])
def test_setup_that_fails_leaves_nothing_to_other_modules(run: Run, error: str) -> None:
    run(
        f"""
        import asyncio, os, pytest, vendo

        class TestFirst:
            @pytest.fixture(scope="class")
            def broken(self):
                os.environ["VENDO_TOKEN_SLACK"] = os.environ["OPENAI_API_KEY"] = "bad"
                raise {error}

            def test_it(self, broken): ...

        class TestSecond:
            def test_it(self):
                assert vendo.token("slack") == "xoxb-ini"
                assert "OPENAI_API_KEY" not in os.environ
        """,
        *FIXED,
        ini=STRICT,
    ).assert_outcomes(passed=1, errors=1)
    assert os.environ["OPENAI_API_KEY"] == "sk-real"
    assert "VENDO_TOKEN_SLACK" not in os.environ


def test_parameter_that_ends_in_the_setup_of_a_live_test(run: Run) -> None:
    run(
        """
        import os, pytest, vendo
        from vendo_pytest import GuardError

        @pytest.fixture(scope="module", params=["a", "b"])
        def account(request):
            with pytest.raises(GuardError):
                vendo.token("stripe")
            os.environ["OPENAI_API_KEY"] = request.param
            yield
            assert os.environ["OPENAI_API_KEY"] == request.param
            with pytest.raises(GuardError):
                vendo.token("stripe")

        @pytest.mark.parametrize("account", ["a"], indirect=True)
        def test_one(account):
            assert os.environ["OPENAI_API_KEY"] == "a"

        @pytest.mark.vendo_live
        @pytest.mark.parametrize("account", ["b"], indirect=True)
        def test_live(account):
            assert vendo.tokens(["openai", "stripe"]) == {
                "openai": "sk-real", "stripe": "sk_real"
            }

        @pytest.mark.parametrize("account", ["b"], indirect=True)
        def test_last(account):
            assert os.environ["OPENAI_API_KEY"] == "b"
        """,
        *FIXED,
        ini=STRICT,
    ).assert_outcomes(passed=3)


@pytest.mark.parametrize("first", ["@pytest.mark.vendo_live", ""])
def test_setup_is_the_same_in_a_live_test(run: Run, first: str) -> None:
    run(
        f"""
        import os, pytest, vendo
        from vendo_pytest import GuardError

        @pytest.fixture(scope="session")
        def early():
            assert "OPENAI_API_KEY" not in os.environ
            with pytest.raises(GuardError) as error:
                vendo.token("openai")
            assert "vendo_live" not in str(error.value) and "--vendo-live" in str(error.value)
            os.environ["NOTION_TOKEN"] = "ntn-test"

        {first}
        def test_first(early):
            assert os.environ.get("OPENAI_API_KEY") == {"sk-real" if first else None!r}
            assert os.environ["NOTION_TOKEN"] == "ntn-test"

        def test_next(early):
            assert os.environ["NOTION_TOKEN"] == "ntn-test"
            assert "OPENAI_API_KEY" not in os.environ
        """,
        *FIXED,
        ini=STRICT,
    ).assert_outcomes(passed=2)


def test_they_are_live_where_all_tests_of_their_class_or_module_are(
    run: Run, suite: pytest.Pytester
) -> None:
    suite.makepyfile(
        test_before="""
        import os, pytest, vendo

        @pytest.fixture(scope="session", autouse=True)
        def program():
            os.environ["NOTION_TOKEN"] = "ntn-test"

        class TestIt:
            @classmethod
            def setup_class(cls):
                assert "OPENAI_API_KEY" not in os.environ

            def test_it(self):
                pass

        @pytest.mark.vendo_live
        class TestLive:
            @classmethod
            def setup_class(cls):
                assert vendo.tokens(["openai", "notion", "slack"]) == {
                    "openai": "sk-real", "notion": "ntn-test", "slack": "xoxb-ini"
                }
                os.environ["STRIPE_API_KEY"] = "sk_of_the_class"

            @classmethod
            def teardown_class(cls):
                assert vendo.tokens(["openai", "stripe"]) == {
                    "openai": "sk-real", "stripe": "sk_of_the_class"
                }

            def test_live(self):
                assert vendo.tokens(["openai", "stripe"]) == {
                    "openai": "sk-real", "stripe": "sk_of_the_class"
                }
        """
    )
    run(
        """
        import os, pytest, vendo

        pytestmark = pytest.mark.vendo_live

        @pytest.fixture(scope="module")
        def account(vendo_session_server):
            yield vendo.token("openai")
            assert vendo.token("openai") == "sk-real"

        @pytest.fixture(scope="session")
        def other():
            return os.environ.get("OPENAI_API_KEY")

        def test_live(account, other):
            assert account == "sk-real" == vendo.token("openai")
            assert other is None
        """,
        *FIXED,
        ini=STRICT,
    ).assert_outcomes(passed=3)


@pytest.mark.parametrize("ini", ["", "vendo_tokens = slack", STRICT])
def test_teardown_does_not_see_the_tokens_of_the_next_test(run: Run, ini: str) -> None:
    run(
        """
        import os, pytest

        @pytest.fixture(scope="module", params=["a", "b"])
        def account(request, vendo_session_server):
            yield request.param
            assert "VENDO_TOKEN_OPENAI" not in os.environ

        @pytest.mark.vendo("openai")
        def test_it(account):
            assert os.environ["VENDO_TOKEN_OPENAI"]
        """,
        *FIXED,
        ini=ini,
    ).assert_outcomes(passed=2)


@pytest.mark.parametrize("isolates", ["true", "false"])
def test_requested_in_a_test_they_do_not_change_what_is_its_own(run: Run, isolates: str) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def inner():
            assert os.environ["NOTION_TOKEN"] == "outer"
            os.environ["VENDO_TOKEN_GMAIL"] = "inner"

        @pytest.fixture(scope="session")
        def outer(request):
            assert "VENDO_TOKEN_OPENAI" not in os.environ
            os.environ["NOTION_TOKEN"] = "outer"
            request.getfixturevalue("inner")
            assert os.environ["VENDO_TOKEN_GMAIL"] == "inner"
            os.environ["VENDO_TOKEN_OPENAI"] = os.environ["VENDO_TOKEN_GITHUB"] = "outer"

        @pytest.mark.parametrize("n", range(2))
        def test_it(n, vendo_token, request):
            vendo_token("openai", "of-the-test")
            request.getfixturevalue("outer")
            assert vendo.tokens(["openai", "notion", "github", "gmail"]) == {
                "openai": "of-the-test", "notion": "outer", "github": "outer", "gmail": "inner"
            }

        def test_other(outer):
            assert vendo.token("openai") == "outer"
        """,
        *FIXED,
        ini=f"vendo_isolate = {isolates}\nvendo_tokens = stripe",
    ).assert_outcomes(passed=3)


def test_without_isolation_they_see_what_fixtures_of_a_test_have_set(run: Run) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def program():
            return vendo.token("openai")

        @pytest.fixture
        def patched(monkeypatch, request):
            monkeypatch.setenv("OPENAI_API_KEY", "sk-patched")
            return request.getfixturevalue("program")

        def test_it(patched, vendo_token):
            assert patched == vendo.token("openai") == "sk-patched"

        def test_other():
            assert vendo.token("openai") == "sk-real"
        """,
        *FIXED,
        ini="vendo_tokens = stripe",
    ).assert_outcomes(passed=2)


@pytest.mark.parametrize("ini", ["", "vendo_isolate = true"])
def test_failure_in_a_wider_fixture_leaves_the_tests_alone(run: Run, ini: str) -> None:
    result = run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="module")
        def broken(vendo_session_server):
            os.environ["NOTION_TOKEN"] = "x"
            raise RuntimeError

        @pytest.fixture(scope="module")
        def breaks(vendo_session_server):
            yield
            raise RuntimeError

        def test_broken(broken):
            pass

        @pytest.mark.vendo("openai")
        def test_breaks(breaks):
            assert vendo.token("openai")
        """,
        *FIXED,
        ini=ini,
    )
    result.assert_outcomes(passed=1, errors=2)
    assert "vendo_pytest" not in result.stdout.str()
