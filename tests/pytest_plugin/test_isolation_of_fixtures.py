"""`vendo_isolate` with variables that fixtures, tests and programs set: each test sees the same."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Run = Callable[..., pytest.RunResult]

INI = "vendo_isolate = true\nvendo_tokens = stripe = sk-ini"
FIXED = ("-p", "no:randomly")


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch, suite: pytest.Pytester) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-real")
    monkeypatch.setenv("VENDO_TOKEN_STRIPE", "sk-real")


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
@pytest.mark.parametrize(
    "body",
    [
        "os.environ['OPENAI_API_KEY'] = 'sk-test'",
        "os.environ.setdefault('OPENAI_API_KEY', 'sk-test')",
        "os.environ['VENDO_TOKEN_OPENAI'] = 'sk-test'; yield; del os.environ['VENDO_TOKEN_OPENAI']",
        "p = pytest.MonkeyPatch(); p.setenv('OPENAI_API_KEY', 'sk-test'); yield; p.undo()",
    ],
)
def test_variable_of_a_wider_fixture_is_there_in_each_test(run: Run, scope: str, body: str) -> None:
    run(
        f"""
        import os, pytest, vendo

        @pytest.fixture(scope="{scope}", autouse=True)
        def program():
            {body}

        class TestIt:
            @pytest.mark.parametrize("n", range(3))
            def test_it(self, n):
                assert vendo.tokens(["openai", "stripe"]) == {{
                    "openai": "sk-test", "stripe": "sk-ini"
                }}

            def test_isolated(self, vendo_isolated):
                assert vendo.tokens(["openai", "stripe"]) == {{"openai": None, "stripe": None}}
        """,
        ini=INI,
    ).assert_outcomes(passed=4)


@pytest.mark.parametrize("arguments", [("-p", "randomly"), ("-p", "xdist", "-n", "2"), FIXED])
def test_what_a_test_or_its_fixtures_set_is_gone_in_the_next(
    run: Run, arguments: tuple[str, ...]
) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def program():
            os.environ["OPENAI_API_KEY"] = "sk-test"

        @pytest.fixture
        def careless():
            os.environ["NOTION_TOKEN"] = "ntn-of-the-fixture"

        @pytest.mark.parametrize("n", range(4))
        def test_it(program, careless, n):
            assert vendo.tokens(["openai", "stripe", "notion", "slack"]) == {
                "openai": "sk-test",
                "stripe": "sk-ini",
                "notion": "ntn-of-the-fixture",
                "slack": None,
            }
            os.environ["OPENAI_API_KEY"] = "of the test"
            os.environ["VENDO_TOKEN_STRIPE"] = "of the test"
            os.environ["SLACK_BOT_TOKEN"] = "of the test"
            os.environ.pop("NOTION_TOKEN")
            os.environ["VENDO_API_KEY"] = "byok"

        @pytest.mark.parametrize("n", range(4))
        def test_other(program, n):
            assert vendo.tokens(["openai", "stripe", "notion", "slack"]) == {
                "openai": "sk-test", "stripe": "sk-ini", "notion": None, "slack": None
            }
            assert "VENDO_API_KEY" not in os.environ
            del os.environ["VENDO_TOKEN_STRIPE"], os.environ["OPENAI_API_KEY"]
        """,
        *arguments,
        ini=INI,
    ).assert_outcomes(passed=8)


@pytest.mark.parametrize("ending", ["", "; yield; del os.environ[param]"])
def test_variable_ends_with_the_fixture(run: Run, ending: str) -> None:
    run(
        f"""
        import os, pytest

        NAMES = ["OPENAI_API_KEY", "NOTION_TOKEN", "VENDO_TOKEN_GMAIL"]

        @pytest.fixture(scope="session", params=NAMES)
        def provider(request):
            param = request.param
            os.environ[param] = "x"{ending}

        @pytest.mark.parametrize("n", range(2))
        def test_it(provider, n, request):
            param = request.node.callspec.params["provider"]
            assert [name for name in NAMES if name in os.environ] == [param]
        """,
        *FIXED,
        ini=INI,
    ).assert_outcomes(passed=6)


def test_fixtures_that_set_one_variable(run: Run) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def outer():
            os.environ["OPENAI_API_KEY"] = "outer"

        @pytest.fixture(scope="class")
        def inner(outer):
            os.environ["OPENAI_API_KEY"] = "inner"

        @pytest.fixture(scope="class")
        def without(outer):
            with pytest.MonkeyPatch.context() as patch:
                patch.delenv("OPENAI_API_KEY")
                patch.delenv("VENDO_TOKEN_STRIPE")
                yield

        def test_before(outer):
            assert vendo.token("openai") == "outer"

        @pytest.mark.parametrize("n", range(2))
        class TestInner:
            def test_it(self, inner, n):
                assert vendo.token("openai") == "inner"

        @pytest.mark.parametrize("n", range(2))
        class TestWithout:
            def test_it(self, without, n):
                assert vendo.tokens(["openai", "stripe"]) == {"openai": None, "stripe": None}

        def test_after(outer):
            assert vendo.tokens(["openai", "stripe"]) == {"openai": "outer", "stripe": "sk-ini"}
        """,
        *FIXED,
        ini=INI,
    ).assert_outcomes(passed=6)


def test_setup_functions_count_as_fixtures(run: Run) -> None:
    run(
        """
        import os, unittest, vendo

        def setup_module():
            os.environ["OPENAI_API_KEY"] = "module"

        class TestPlain:
            @classmethod
            def setup_class(cls):
                os.environ["NOTION_TOKEN"] = "class"

            def setup_method(self):
                os.environ["SLACK_BOT_TOKEN"] = "method"

            def test_one(self):
                found = vendo.tokens(["openai", "notion", "slack"])
                assert found == {"openai": "module", "notion": "class", "slack": "method"}

            test_two = test_one

        class TestCase(unittest.TestCase):
            @classmethod
            def setUpClass(cls):
                os.environ["SLACK_BOT_TOKEN"] = "class"

            def test_one(self):
                found = vendo.tokens(["openai", "notion", "slack"])
                assert found == {"openai": "module", "notion": None, "slack": "class"}

            test_two = test_one
        """,
        *FIXED,
        ini=INI,
    ).assert_outcomes(passed=4)


def test_fixture_that_a_test_requests_later_keeps_its_variable(run: Run) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def program():
            os.environ["OPENAI_API_KEY"] = "sk-test"

        @pytest.mark.parametrize("n", range(2))
        def test_it(request, n):
            os.environ["NOTION_TOKEN"] = "of the test"
            request.getfixturevalue("program")
            assert vendo.token("openai") == "sk-test"

        def test_after():
            assert vendo.tokens(["openai", "notion"]) == {"openai": "sk-test", "notion": None}
        """,
        *FIXED,
        ini=INI,
    ).assert_outcomes(passed=3)


def test_import_of_a_program_is_no_fixture(run: Run, suite: pytest.Pytester) -> None:
    suite.makeconftest("import os\nos.environ['OPENAI_API_KEY'] = 'of a .env file'")
    run(
        """
        import os, pytest, vendo

        os.environ["NOTION_TOKEN"] = "of a .env file"

        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            assert vendo.tokens(["openai", "notion"]) == {"openai": None, "notion": None}

        @pytest.mark.vendo_live
        def test_live():
            assert vendo.token("notion") == "of a .env file"
        """,
        *FIXED,
        ini=INI,
    ).assert_outcomes(passed=3)


def test_real_credentials_return_for_a_live_test_between_others(run: Run) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="session", autouse=True)
        def program():
            os.environ["NOTION_TOKEN"] = "ntn-test"

        def test_before():
            assert vendo.tokens(["openai", "notion"]) == {"openai": None, "notion": "ntn-test"}

        @pytest.mark.vendo_live
        def test_live():
            assert vendo.tokens(["openai", "notion"]) == {
                "openai": "sk-real", "notion": "ntn-test"
            }
            os.environ["OPENAI_API_KEY"] = "of the test"

        test_after = test_before
        """,
        *FIXED,
        ini=INI,
    ).assert_outcomes(passed=3)


def test_each_attempt_sees_the_same(run: Run) -> None:
    result = run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="session")
        def program():
            os.environ["OPENAI_API_KEY"] = "sk-test"

        ATTEMPTS = []

        @pytest.mark.parametrize("n", range(2))
        def test_it(program, n):
            ATTEMPTS.append(vendo.tokens(["openai", "notion"]))
            os.environ["NOTION_TOKEN"] = os.environ["OPENAI_API_KEY"] = "of the test"
            assert len(ATTEMPTS) >= 3

        def test_attempts():
            assert ATTEMPTS == [{"openai": "sk-test", "notion": None}] * 4
        """,
        "-p",
        "rerunfailures",
        "--reruns",
        "2",
        *FIXED,
        ini=INI,
    )
    result.stdout.fnmatch_lines(["*3 passed, 2 rerun*"])


def test_server_of_a_test_leaves_the_variables_of_fixtures(run: Run) -> None:
    run(
        """
        import os, pytest, vendo

        @pytest.fixture(scope="module", autouse=True)
        def program():
            os.environ["OPENAI_API_KEY"] = "sk-test"

        @pytest.mark.parametrize("n", range(2))
        def test_server(vendo_server, n):
            assert vendo.token("openai", default=None) is None

        @pytest.mark.parametrize("n", range(2))
        def test_it(n):
            assert vendo.token("openai") == "sk-test"
        """,
        ini=INI,
    ).assert_outcomes(passed=4)


@pytest.mark.parametrize("ini", ["", "vendo_isolate = true"])
@pytest.mark.parametrize("last", ["vendo_server", "vendo_isolated", "vendo_token"])
def test_fixture_of_a_module_finds_its_variables_at_its_end(
    run: Run, suite: pytest.Pytester, ini: str, last: str
) -> None:
    # It ends with the last test of its module, after the test's own fixtures.
    run(
        f"""
        import os, pytest

        @pytest.fixture(scope="module", autouse=True)
        def program():
            before = {{name: os.environ.get(name) for name in ("NOTION_TOKEN", "OPENAI_API_KEY")}}
            with pytest.MonkeyPatch.context() as patch:
                os.environ["NOTION_TOKEN"] = os.environ["VENDO_TOKEN_GMAIL"] = "of the module"
                patch.setenv("OPENAI_API_KEY", "of the module")
                yield
                assert os.environ["OPENAI_API_KEY"] == "of the module"
            del os.environ["NOTION_TOKEN"], os.environ["VENDO_TOKEN_GMAIL"]
            after = {{name: os.environ.get(name) for name in ("NOTION_TOKEN", "OPENAI_API_KEY")}}
            assert before == after

        def test_last({last}, monkeypatch):
            monkeypatch.setenv("OPENAI_API_KEY", "of the test")
            if {last!r} == "vendo_token":
                vendo_token("gmail")
        """,
        ini=ini,
    ).assert_outcomes(passed=1)


def test_run_inside_a_process_restores_what_tests_changed(suite: pytest.Pytester) -> None:
    suite.makeini(f"[pytest]\n{INI}")
    suite.makepyfile(
        test_it="""
        import os, pytest

        @pytest.fixture(scope="session", autouse=True)
        def program():
            with pytest.MonkeyPatch.context() as patch:
                patch.setenv("NOTION_TOKEN", "x")
                yield

        def test_it():
            os.environ["OPENAI_API_KEY"] = os.environ["VENDO_TOKEN_STRIPE"] = "x"
            os.environ["SLACK_BOT_TOKEN"] = os.environ["NOTION_TOKEN"] = "x"
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
    assert suite.runpython(Path(suite.path, "program.py")).ret == 0
