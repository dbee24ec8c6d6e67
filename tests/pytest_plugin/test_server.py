"""The server fixture, and its clients and sessions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


def test_whole_library_uses_the_server_of_the_test(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_real")
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "g-real")
    monkeypatch.setenv("VENDO_API_URL", "https://real.example")
    run(
        """
        import asyncio, os, vendo

        def test_it(vendo_server, vendo_client, vendo_async_client):
            vendo_server.connect("gmail")
            token = vendo_server.token("gmail")

            async def main():
                async with vendo_async_client as client:
                    return await client.token("gmail"), await vendo.aio.token("gmail")

            assert vendo.token("gmail") == vendo_client.token("gmail") == token
            assert asyncio.run(main()) == (token, token)
            assert [row.slug for row in vendo.connections.list() if row.is_connected] == ["gmail"]
            assert vendo.billing.balance().credits_remaining_micros == 5_000_000

        def test_after():
            assert os.environ["VENDO_API_KEY"] == "vendo_sk_real"
            assert os.environ["VENDO_TOKEN_GMAIL"] == "g-real"
            assert os.environ["VENDO_API_URL"] == "https://real.example"
            assert "GMAIL_BASE_URL" not in os.environ
        """,
        "-p",
        "no:randomly",
    ).assert_outcomes(passed=2)


def test_each_test_has_a_reset_server_and_an_empty_token_cache(run: Run) -> None:
    run(
        """
        import pytest, vendo

        PORTS = set()

        @pytest.mark.parametrize("n", range(3))
        def test_it(vendo_server, n):
            PORTS.add(vendo_server.url)
            assert len(PORTS) == 1, "one server for the whole session"
            assert vendo_server.requests == []
            assert vendo.connections.connected_slugs() == []
            vendo_server.connect("gmail", token=f"token-{n}")
            assert vendo.token("gmail") == f"token-{n}"
            vendo_server.set_balance(0)
            vendo_server.fail("any", times=None)
            if n == 1:
                vendo_server.stop()
        """
    ).assert_outcomes(passed=3)


def test_session_uses_the_fake_provider_and_renews_its_token(run: Run) -> None:
    run(
        """
        import vendo

        def test_it(vendo_server, vendo_session):
            gmail = vendo_session("Gmail")
            assert gmail.get("gmail/v1/users/me/profile").json()["emailAddress"]
            vendo_server.expire("gmail")
            assert gmail.get("gmail/v1/users/me/profile").ok
            assert vendo_server.count("provider", "gmail") == 3

            assert vendo_session("my-tool").get("anything").json()["path"] == "/anything"
            # The program's own sessions use it too.
            assert vendo.session("gmail").get("gmail/v1/users/me/profile").ok

        def test_vendo_session_keeps_an_existing_connection(vendo_server, vendo_session):
            vendo_server.connect("gmail", status="needs_reauth")
            try:
                vendo_session("gmail").get("gmail/v1/users/me/profile")
            except vendo.NeedsReauth:
                pass
            else:
                raise AssertionError
            vendo_server.connect("openai", token="sk-of-the-test")
            vendo_session("openai").get("v1/models")
            assert vendo_server.token("openai") == "sk-of-the-test"
        """
    ).assert_outcomes(passed=2)


def test_held_requests_end_with_the_test(run: Run) -> None:
    run(
        """
        import threading, vendo

        threads = []

        def fetch(client):
            try:
                client.token("gmail")
            except vendo.VendoError:
                pass

        def test_it(vendo_server):
            vendo_server.connect("gmail")
            gate = vendo_server.hold("credentials")
            client = vendo_server.client(retry=vendo.RetryPolicy(1))
            threads.append(threading.Thread(target=fetch, args=[client]))
            threads[0].start()
            gate.wait_for(1)

        def test_next():
            threads[0].join(20)
            assert not threads[0].is_alive()
        """,
        "-p",
        "no:randomly",
    ).assert_outcomes(passed=2)


def test_provided_token_works_with_the_server(run: Run) -> None:
    run(
        """
        import pytest, vendo

        @pytest.mark.vendo(openai="sk-test")
        def test_it(vendo_server):
            vendo_server.connect("gmail")
            assert vendo.tokens(["openai", "gmail", "slack"]) == {
                "openai": "sk-test", "gmail": vendo_server.token("gmail"), "slack": None
            }
        """
    ).assert_outcomes(passed=1)


def test_session_without_requests_raises_missing_extra(run: Run) -> None:
    result = run(
        """
        import sys

        def test_it(vendo_session, monkeypatch):
            monkeypatch.setitem(sys.modules, "requests", None)
            vendo_session("gmail")
        """
    )

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*MissingExtra: *vendo-sdk*http*"])


def test_tokens_of_the_ini_file_step_back_for_the_server(run: Run) -> None:
    run(
        """
        import pytest, vendo

        def test_server(vendo_server):
            with pytest.raises(vendo.NotConnected):
                vendo.token("gmail")
            vendo_server.connect("gmail")
            assert vendo.token("gmail") == vendo_server.token("gmail")
            assert vendo.session("gmail").get("gmail/v1/users/me/profile").ok

        @pytest.mark.vendo("gmail")
        def test_marker(vendo_server):
            assert vendo.token("gmail") == "vendo-test-token-gmail"

        def test_fixture(vendo_token, vendo_server):
            vendo_token("gmail", "of-the-test")
            assert vendo.token("gmail") == "of-the-test"

        def test_without_server():
            assert vendo.token("gmail") == "of-the-ini"

        def test_isolated(vendo_isolated):
            assert vendo.token("gmail", default=None) is None
        """,
        ini="vendo_guard = true\nvendo_tokens = gmail = of-the-ini",
    ).assert_outcomes(passed=5)
