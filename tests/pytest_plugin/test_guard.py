"""The guard: a test gets only the tokens that it provides, not those of the machine."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]

GUARD = "vendo_guard = true"


@pytest.fixture(autouse=True)
def real(monkeypatch: pytest.MonkeyPatch, suite: pytest.Pytester) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("VENDO_TOKEN_SLACK", "xoxb-canary")
    monkeypatch.setenv("KEPT", "kept-canary")


def test_slug_without_test_token_raises_with_a_fix(run: Run) -> None:
    result = run("import vendo\ndef test_it(): vendo.token('openai')", ini=GUARD)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["*GuardError: *of 'openai'*vendo_token(\"openai\")*vendo_tokens*vendo_server*"]
    )


@pytest.mark.parametrize("how", [(), ("--showlocals", "--full-trace")], ids=["short", "full"])
def test_guard_report_has_no_values(
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
        @pytest.mark.parametrize("fetch", [
            lambda slug: vendo.token(slug),
            lambda slug: vendo.tokens([slug]),
            lambda slug: vendo.tokens(["gmail", slug]),
            lambda slug: asyncio.run(vendo.aio.token(slug)),
            lambda slug: asyncio.run(vendo.aio.tokens([slug])),
            lambda slug: asyncio.run(vendo.aio.tokens(["gmail", slug])),
            lambda slug: vendo.session(slug).get("models"),
        ])
        def test_it(mode, fetch, slug, vendo_token):
            vendo_token("gmail", "g-test")
            fetch(slug)

        def test_local_server_does_not_allow_real_credentials(vendo_server, monkeypatch):
            monkeypatch.setenv("OPENAI_API_KEY", os.environ["KEPT"])
            vendo.Vendo("byok").tokens(["openai"])

        def test_server_token_from_the_environment_is_guarded(vendo_server, monkeypatch):
            vendo_server.connect("linear", token=os.environ["KEPT"])
            vendo.token("linear")

        def test_server_tokens_from_the_environment_are_guarded(vendo_server):
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
    "call",
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
def test_every_call_that_returns_a_token_is_guarded(run: Run, call: str) -> None:
    run(
        f"""
        import asyncio, pytest, vendo
        from vendo_pytest import GuardError

        def test_it(vendo_isolated, monkeypatch):
            monkeypatch.setenv("OPENAI_API_KEY", "loaded by hand")
            monkeypatch.setenv("VENDO_TOKEN_SLACK", "set by hand")
            with pytest.raises(GuardError):
                {call}
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_tokens_in_files_are_guarded(
    run: Run, suite: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("GITHUB_TOKEN", "VENDO_TOKEN_LINEAR", "VENDO_API_KEY"):
        monkeypatch.setenv(f"{variable}_FILE", str(suite.makefile(".txt", **{variable: "canary"})))
    result = run(
        """
        import asyncio, os, pytest, vendo

        @pytest.fixture(params=["byok", None], ids=["oss", "vendo"])
        def mode(request, monkeypatch):
            if request.param:
                monkeypatch.setenv("VENDO_API_KEY", request.param)

        @pytest.mark.parametrize("slug", ["github", "linear"])
        @pytest.mark.parametrize("fetch", [
            lambda slug: vendo.token(slug),
            lambda slug: vendo.tokens([slug]),
            lambda slug: asyncio.run(vendo.aio.token(slug)),
            lambda slug: vendo.session(slug).get("issues"),
        ])
        def test_real(mode, fetch, slug):
            fetch(slug)

        def test_broken(vendo_token, monkeypatch):
            monkeypatch.setenv("VENDO_TOKEN_OPENAI_FILE", "/run/secrets/not-on-this-machine")
            assert vendo.token("openai", default="none") == "none"
            vendo_token("openai", "mine")
            assert vendo.token("openai") == "mine"

        @pytest.mark.parametrize("slug", ["github", "linear"])
        def test_provided(slug, vendo_token):
            assert vendo.token(slug, default="none") == "none"
            vendo_token(slug, "mine")
            assert vendo.token(slug) == "mine"

        def test_server(vendo_server):
            assert not {"GITHUB_TOKEN_FILE", "VENDO_API_KEY_FILE"} & os.environ.keys()
            vendo_server.connect("github")
            assert vendo.token("github") == vendo_server.token("github")
        """,
        ini=GUARD,
    )

    result.assert_outcomes(failed=2 * 2 * 4, passed=4)
    report = result.stdout.str() + result.stderr.str()
    assert len(re.findall(r"(?m)^E +vendo_pytest\.GuardError: ", report)) == 2 * 2 * 4
    assert "canary" not in report


def test_guard_error_is_not_a_vendo_error(run: Run) -> None:
    run(
        """
        import pytest, vendo
        from vendo_pytest import GuardError

        def handler():
            try:
                return vendo.token("openai")
            except vendo.VendoError:
                return None

        def test_it():
            with pytest.raises(GuardError):
                handler()
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_provided_tokens_pass_the_guard(run: Run) -> None:
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


def test_token_of_an_earlier_test_does_not_pass_the_guard(run: Run) -> None:
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


def test_guard_stays_after_a_monkeypatch_undo(run: Run) -> None:
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


def test_guard_returns_after_a_test_that_removed_it(run: Run) -> None:
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
                futures = [pool.submit(vendo.token, slug) for slug in ["openai", "gmail"] * 8]
            for future in futures[::2]:
                with pytest.raises(GuardError):
                    future.result()
            assert {future.result() for future in futures[1::2]} == {"g-test"}
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


def test_live_marker_disables_the_guard_for_its_test_only(run: Run) -> None:
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


def test_live_option_disables_the_guard_for_the_run_and_is_in_the_header(run: Run) -> None:
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


def test_local_server_needs_no_test_tokens(run: Run) -> None:
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

            monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")  # like a .env file
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


def test_earlier_interceptor_is_still_called(suite: pytest.Pytester) -> None:
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
            calls = []
            def before_lookup(self, slug): self.calls.append(slug)
            def handed_out(self, slug, token): self.calls.append((slug, token))

        their = Their()
        install_interceptor(their)
        assert pytest.main(["-p", "vendo", "test_it.py"]) == 0
        assert their.calls[:2] == [("openai", "sk-test"), "gmail"], their.calls
        assert install_interceptor(None) is their
        """,
    )

    assert suite.runpython(suite.path / "program.py").ret == 0


def test_interceptor_that_a_test_installs_is_not_removed(run: Run) -> None:
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


def test_guard_in_the_reconciler_is_logged_and_not_blamed_on_its_handler(run: Run) -> None:
    run(
        """
        import logging.handlers, queue, vendo

        def test_it(tmp_path):
            records = queue.Queue()
            handler = logging.handlers.QueueHandler(records)
            logging.getLogger().addHandler(handler)
            mapping = {"KEY": "openai"}
            with vendo.reconciler.start(
                env_file=tmp_path / "env", mapping=mapping, on_change=None
            ):
                text = records.get(timeout=20).getMessage()
            logging.getLogger().removeHandler(handler)
            assert "env, or its on_change= handler, failed" in text
            assert "GuardError" in text
            assert "sk-canary" not in text
        """,
        ini=GUARD,
    ).assert_outcomes(passed=1)


@pytest.mark.parametrize("key", [None, "vendo_sk_" + "x" * 32])
def test_optional_credential_is_absent_without_a_test_token(
    run: Run, key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if key:
        monkeypatch.setenv("VENDO_API_KEY", key)
        monkeypatch.setenv("VENDO_CREDENTIALS_URL", "https://127.0.0.1:9")  # nothing listens
    run(
        """
        import asyncio, pytest, vendo
        from vendo_pytest import GuardError

        def test_it(vendo_token):
            for slug in ("openai", "slack", "github"):  # a variable, an override, nothing
                assert vendo.token(slug, default=None) is None
                assert vendo.Vendo().token(slug, default="fallback") == "fallback"
                assert asyncio.run(vendo.aio.token(slug, default=None)) is None
                with pytest.raises(GuardError):
                    vendo.token(slug)
                with pytest.raises(GuardError):
                    vendo.tokens([slug])
            vendo_token("openai", "sk-test")
            assert vendo.token("openai", default=None) == "sk-test"

        def test_server(vendo_server):
            assert vendo.token("openai", default=None) is None
            vendo_server.connect("openai")
            assert vendo.token("openai", default=None) == vendo_server.token("openai")
        """,
        ini=GUARD,
    ).assert_outcomes(passed=2)


def test_guard_suggests_what_is_possible_at_import(run: Run) -> None:
    result = run("import vendo\nKEY = vendo.token('openai')\ndef test_it(): pass", ini=GUARD)

    [line] = {line for line in result.outlines if line.startswith("E  ") and "Fix: " in line}
    assert "openai in the ini option vendo_tokens" in line
    assert "--vendo-live" in line
    for impossible in ("vendo_token(", "vendo_server", "vendo_live ", "mark"):
        assert impossible not in line.replace("fixture or marker applies", "")


@pytest.mark.parametrize("scope", ["class", "module", "package", "session"])
def test_guard_suggests_what_is_possible_in_a_wide_fixture(run: Run, scope: str) -> None:
    text = f"""
        import pytest, vendo

        @pytest.fixture(scope="{scope}")
        def wide():
            return vendo.token("openai")

        MARK
        def test_it(wide):
            assert wide == "vendo-test-token-openai"
    """
    result = run(text.replace("MARK", "pass"), ini=GUARD)
    [line] = {line for line in result.outlines if line.startswith("E  ") and "Fix: " in line}
    assert '@pytest.mark.vendo("openai")' in line
    assert f"scope {scope}" in line
    for impossible in ("vendo_token(", "vendo_server"):
        assert impossible not in line

    run(text.replace("MARK", '@pytest.mark.vendo("openai")'), ini=GUARD).assert_outcomes(passed=1)


def test_guard_suggests_the_fixture_in_a_fixture_of_the_test(run: Run) -> None:
    result = run(
        """
        import pytest, vendo

        @pytest.fixture
        def narrow(): vendo.token("openai")

        def test_it(narrow): pass
        """,
        ini=GUARD,
    )
    result.stdout.fnmatch_lines(['*GuardError: *vendo_token("openai")*'])
