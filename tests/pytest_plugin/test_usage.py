"""`vendo_usage`: the tokens that the code under test got."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Run = Callable[..., pytest.RunResult]


def test_usage_has_exactly_the_tokens_that_were_used(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "gh-real")
    run(
        """
        import pytest, vendo

        def test_it(vendo_usage, vendo_tokens):
            vendo_usage.assert_unused()
            vendo_tokens("openai", "slack", "my-tool")
            vendo.tokens(["openai", "stripe"])
            vendo.token("GitHub")
            vendo.token("My-Tool")

            vendo_usage.assert_used("OpenAI", "github", "my-tool")
            vendo_usage.assert_unused("slack", "Stripe")
            assert vendo_usage.slugs == ["openai", "github", "my-tool"]
            both = "^the tokens of slack and stripe were not used; the tokens of openai, g"
            with pytest.raises(AssertionError, match=both):
                vendo_usage.assert_used("openai", "slack", "stripe")
            with pytest.raises(AssertionError, match="^the token of openai was used, and should"):
                vendo_usage.assert_unused("OpenAI")
            with pytest.raises(AssertionError, match="github"):
                vendo_usage.assert_unused()

        def test_next(vendo_usage):
            vendo_usage.assert_unused()
            with pytest.raises(AssertionError, match="^the token of openai was not used; no token"):
                vendo_usage.assert_used("openai")
        """,
        "-p",
        "no:randomly",
    ).assert_outcomes(passed=2)


def test_usage_has_fetched_and_cached_tokens_of_both_clients(
    run: Run,
) -> None:
    run(
        """
        import asyncio, vendo

        SLUGS = ["gmail", "openai", "slack", "notion"]

        def test_it(vendo_server, vendo_async_client, vendo_usage, vendo_session):
            for slug in SLUGS:
                vendo_server.connect(slug)
            vendo.token("gmail")
            vendo.tokens(["openai"])
            vendo_usage.assert_used("gmail", "openai")
            vendo_usage.assert_unused("slack", "notion")

            async def main():
                async with vendo_async_client as client:
                    await client.token("slack")

            asyncio.run(main())
            vendo_session("notion").get("anything")
            assert vendo_usage.slugs == SLUGS

        def test_cached(vendo_server, request):
            vendo_server.connect("gmail")
            vendo_server.connect("openai")
            vendo.tokens(["gmail", "openai"])
            usage = request.getfixturevalue("vendo_usage")
            usage.assert_unused()
            vendo.token("gmail")
            vendo.tokens(["openai", "stripe"])
            assert usage.slugs == ["gmail", "openai"]
        """
    ).assert_outcomes(passed=2)


def test_listing_connections_uses_no_token(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "gh-real")
    run(
        """
        import vendo

        def test_it(vendo_usage, vendo_token):
            vendo_token("openai")
            assert {"github", "openai"} <= set(vendo.connections.connected_slugs())
            vendo_usage.assert_unused()
        """,
        ini="vendo_guard = true",
    ).assert_outcomes(passed=1)


def test_interceptor_is_removed_after_the_test(run: Run) -> None:
    run(
        """
        from vendo.testing import install_interceptor

        def test_it(vendo_usage):
            pass

        def test_next():
            assert install_interceptor(None) is None
        """,
        "-p",
        "no:randomly",
    ).assert_outcomes(passed=2)
