"""The guard: what no test has given is not handed out, whatever the machine holds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., pytest.RunResult]

GUARD = "vendo_guard = true"


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch, suite: pytest.Pytester) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("VENDO_TOKEN_SLACK", "xoxb-canary")
    monkeypatch.setenv("KEPT", "kept-canary")


def test_a_slug_without_a_test_token_raises_and_the_error_names_what_to_use(run: Run) -> None:
    result = run("import vendo\ndef test_it(): vendo.token('openai')", ini=GUARD)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*GuardError: *of 'openai'*vendo_token(\"openai\")*vendo_tokens*vendo_server*"]
    )


@pytest.mark.parametrize("how", [(), ("--showlocals", "--full-trace")], ids=["short", "full"])
def test_no_report_of_the_guard_shows_a_value(
    run: Run, how: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_canary")
    result = run(
        """
        import asyncio, os, pytest, vendo

        @pytest.fixture(params=["byok", None], ids=["oss", "vendo"])
        def mode(request, monkeypatch):
            if request.param:
                monkeypatch.setenv("VENDO_API_KEY", request.param)

        @pytest.mark.parametrize("slug", ["slack", "openai"])
        @pytest.mark.parametrize("ask", [
            lambda slug: vendo.token(slug),
            lambda slug: vendo.tokens([slug]),
            lambda slug: vendo.tokens(["gmail", slug]),
            lambda slug: asyncio.run(vendo.aio.token(slug)),
            lambda slug: asyncio.run(vendo.aio.tokens([slug])),
            lambda slug: asyncio.run(vendo.aio.tokens(["gmail", slug])),
            lambda slug: vendo.session(slug).get("models"),
        ])
        def test_it(mode, ask, slug, vendo_token):
            vendo_token("gmail", "g-test")
            ask(slug)

        def test_what_a_local_server_does_not_cover(vendo_server, monkeypatch):
            monkeypatch.setenv("OPENAI_API_KEY", os.environ["KEPT"])
            vendo.Vendo("byok").tokens(["openai"])

        def test_what_a_variable_holds_that_vendo_hands_out(vendo_server, monkeypatch):
            vendo_server.connect("linear", token=os.environ["KEPT"])
            vendo.token("linear")

        def test_several_of_them(vendo_server):
            vendo_server.connect("linear", token=os.environ["KEPT"])
            vendo.tokens(["linear"])
        """,
        *how,
        ini=GUARD,
    )

    result.assert_outcomes(failed=2 * 2 * 7 + 3)
    report = result.stdout.str() + result.stderr.str()
    assert len(re.findall(r"(?m)^E +vendo_pytest\.GuardError: ", report)) == 2 * 2 * 7 + 3
    assert "canary" not in report


@pytest.mark.parametrize(
    "ask",
    [
        "vendo.token('openai')",
        "vendo.token('github')",
        "vendo.tokens(['openai'])",
        "vendo.token('slack')",
        "vendo.Vendo().token('openai')",
        "vendo.Vendo('byok').token('openai')",
        "vendo.Vendo('vendo_sk_' + 'x' * 32).token('openai')",
        "vendo.Vendo('vendo_sk_' + 'x' * 32).for_user('a.b.c').token('openai')",
        "asyncio.run(vendo.aio.token('openai'))",
        "asyncio.run(vendo.aio.tokens(['openai']))",
    ],
)
def test_every_way_to_ask_is_guarded(run: Run, ask: str) -> None:
    run(
        f"""
        import asyncio, pytest, vendo
        from vendo_pytest import GuardError

        def test_it(vendo_isolated, monkeypatch):
            monkeypatch.setenv("OPENAI_API_KEY", "loaded by hand")
            monkeypatch.setenv("VENDO_TOKEN_SLACK", "set by hand")
            with pytest.raises(GuardError):
                {ask}
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_the_error_is_not_taken_for_a_provider_that_is_not_connected(run: Run) -> None:
    run(
        """
        import pytest, vendo
        from vendo_pytest import GuardError

        def answer():
            try:
                return vendo.token("openai")
            except vendo.VendoError:
                return None

        def test_it():
            with pytest.raises(GuardError):
                answer()
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_what_was_given_is_handed_out(run: Run) -> None:
    run(
        """
        import pytest, vendo

        def test_fixture(vendo_token):
            vendo_token("openai", "  sk-test ")
            assert vendo.token("OpenAI") == "sk-test"

        @pytest.mark.vendo(slack="xoxb-test")
        def test_marker():
            assert vendo.token("slack") == "xoxb-test"

        def test_ini():
            assert vendo.token("gmail") == "g-ini"
            assert vendo.tokens(["gmail"]) == {"gmail": "g-ini"}
        """,
        ini=GUARD + "\nvendo_tokens = gmail = g-ini",
    ).assert_outcomes(passed=3)


def test_a_token_of_the_test_before_is_no_longer_given(run: Run) -> None:
    run(
        """
        import os, pytest, vendo
        from vendo_pytest import GuardError

        def test_one(vendo_token):
            vendo_token("openai", "sk-test")

        def test_two(monkeypatch):
            monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-test")
            with pytest.raises(GuardError):
                vendo.token("openai")
        """,
        ini=GUARD,
    ).assert_outcomes(passed=2)


def test_it_survives_a_tests_own_undo(run: Run) -> None:
    run(
        """
        import pytest, vendo
        from vendo_pytest import GuardError

        def test_it(monkeypatch, vendo_token):
            vendo_token("slack", "xoxb-test")
            monkeypatch.setenv("VENDO_TOKEN_SLACK", "of-the-test")
            monkeypatch.undo()
            assert vendo.token("slack") == "xoxb-test"
            with pytest.raises(GuardError):
                vendo.token("openai")
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_it_is_back_after_a_test_that_took_it_away(run: Run) -> None:
    run(
        """
        import pytest, vendo
        from vendo.testing import install_interceptor
        from vendo_pytest import GuardError

        class Their:
            def before_lookup(self, slug): pass
            def handed_out(self, slug, token): pass

        def test_one():
            install_interceptor(Their())
            vendo.token("openai")

        def test_two():
            with pytest.raises(GuardError):
                vendo.token("openai")
        """,
        "-p",
        "no:randomly",
        ini=GUARD,
    ).assert_outcomes(passed=2)


def test_imports_are_guarded_too(run: Run) -> None:
    result = run("import vendo\nKEY = vendo.token('openai')\ndef test_it(): pass", ini=GUARD)

    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*GuardError: *'openai'*vendo_tokens*"])


def test_threads_are_guarded_too(run: Run) -> None:
    run(
        """
        from concurrent.futures import ThreadPoolExecutor
        import pytest, vendo
        from vendo_pytest import GuardError

        def test_it(vendo_token):
            vendo_token("gmail", "g-test")
            with ThreadPoolExecutor(8) as pool:
                asked = [pool.submit(vendo.token, slug) for slug in ["openai", "gmail"] * 8]
            for future in asked[::2]:
                with pytest.raises(GuardError):
                    future.result()
            assert {future.result() for future in asked[1::2]} == {"g-test"}
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_the_marker_lifts_it_for_its_test_alone(run: Run) -> None:
    run(
        """
        import pytest, vendo
        from vendo_pytest import GuardError

        @pytest.mark.vendo_live
        def test_live():
            assert vendo.tokens(["openai", "slack"]) == {
                "openai": "sk-canary", "slack": "xoxb-canary"
            }

        def test_next():
            with pytest.raises(GuardError):
                vendo.token("openai")
        """,
        ini=GUARD,
    ).assert_outcomes(passed=2)


def test_the_option_lifts_it_for_the_whole_run_and_the_header_says_so(run: Run) -> None:
    result = run(
        """
        import vendo

        AT_IMPORT = vendo.token("openai")

        def test_it():
            assert vendo.token("openai") == AT_IMPORT == "sk-canary"
        """,
        "--vendo-live",
        ini=GUARD,
    )

    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["vendo: real credentials may be used (--vendo-live)"])


def test_the_local_server_needs_no_test_tokens(run: Run) -> None:
    run(
        """
        import pytest, vendo
        from vendo_pytest import GuardError

        def test_it(vendo_server, vendo_client, vendo_token, monkeypatch):
            vendo_server.connect("gmail")
            assert vendo.token("gmail") == vendo_server.token("gmail")
            assert vendo_client.token("gmail") == vendo_server.token("gmail")
            with pytest.raises(vendo.NotConnected):
                vendo.token("openai")
            assert vendo_token("slack", "xoxb-test") == vendo.token("slack")

            monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")  # as a loaded file does
            with pytest.raises(GuardError):
                vendo.Vendo("byok").token("openai")
            monkeypatch.setenv("VENDO_TOKEN_GMAIL", "g-canary")
            with pytest.raises(GuardError):
                vendo.token("gmail")

        def test_next():
            with pytest.raises(GuardError):
                vendo.token("gmail")
        """,
        "-p",
        "no:randomly",
        ini=GUARD,
    ).assert_outcomes(passed=2)


def test_an_interceptor_that_was_there_before_goes_on_watching(suite: pytest.Pytester) -> None:
    suite.makeini(f"[pytest]\n{GUARD}")
    suite.makepyfile(
        test_it="""
        import vendo

        def test_it(vendo_token, vendo_server):
            vendo_token("openai", "sk-test")
            vendo.token("openai")
            vendo_server.connect("gmail")
            vendo.token("gmail")
        """,
        program="""
        import pytest
        from vendo.testing import install_interceptor

        class Their:
            seen = []
            def before_lookup(self, slug): self.seen.append(slug)
            def handed_out(self, slug, token): self.seen.append((slug, token))

        their = Their()
        install_interceptor(their)
        assert pytest.main(["-p", "vendo", "test_it.py"]) == 0
        assert their.seen[:2] == [("openai", "sk-test"), "gmail"], their.seen
        assert install_interceptor(None) is their
        """,
    )

    assert suite.runpython(suite.path / "program.py").ret == 0


def test_an_interceptor_that_a_test_leaves_in_front_is_not_taken_away(run: Run) -> None:
    run(
        """
        from vendo.testing import install_interceptor

        class Their:
            def before_lookup(self, slug): pass
            def handed_out(self, slug, token): pass

        their = Their()

        def test_one(vendo_usage):
            install_interceptor(their)

        def test_two():
            assert install_interceptor(None) is their
        """,
        "-p",
        "no:randomly",
    ).assert_outcomes(passed=2)
