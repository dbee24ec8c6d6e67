"""`client.check()`: problems as sentences with a fix, for a health page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import vendo
from support.ways import WAYS, Way
from vendo import Health, Vendo, aio

if TYPE_CHECKING:
    from vendo.testing import LocalVendo


def checked(call: Any, *slugs: str, **settings: Any) -> Health:
    health = call(lambda client: client.check(slugs), **settings)
    assert isinstance(health, Health)
    assert health.ok is (not health.problems)
    return health


def test_all_credentials_are_there(call: Any, server: LocalVendo) -> None:
    assert checked(call, "gmail", "OpenAI", "gmail") == Health(True, ())
    [request] = server.requests
    assert (request.path, request.raw_query) == ("/credentials/_bulk", "slugs=gmail,openai")


def test_missing_ones_are_named_with_a_fix(call: Any, server: LocalVendo) -> None:
    server.set_status("gmail", "needs_reauth")

    health = checked(call, "gmail", "openai", "notion", "gmial")

    assert not health.ok
    gmail, notion, typo = health.problems
    assert gmail.startswith("No credential for 'gmail': it is not connected, or must be authorized")
    assert "Fix: " in gmail
    assert "vendo.connect_url('gmail')" in gmail
    assert "'notion'" in notion
    assert "Fix: Did you mean 'gmail'?" in typo
    assert server.count("credentials") == 1


def test_each_call_asks_the_backend_and_keeps_no_token(call: Any, server: LocalVendo) -> None:
    def twice(client: Any) -> Any:
        if isinstance(client, Vendo):
            return client.check(["gmail"]), client.check(["gmail"]), client.token("gmail")

        async def main() -> Any:
            return await client.check(["gmail"]), await client.check(["gmail"])

        return main()

    assert call(twice)[:2] == (Health(True, ()), Health(True, ()))
    assert server.count("credentials") >= 2


@pytest.mark.parametrize("slugs", [(), ("gmail",)])
@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ({"status": 503}, "Fix: Try again later"),
        ({"code": "app_revoked"}, "Fix: "),
        ({"html": True}, "Fix: "),
        ({"reset": True}, "Fix: "),
        ({"malformed": True}, "Fix: "),
    ],
)
def test_a_failure_of_the_backend_is_a_problem(
    call: Any, server: LocalVendo, fault: dict[str, Any], words: str, slugs: tuple[str, ...]
) -> None:
    server.fail("credentials", times=None, **fault)

    [problem] = checked(call, *slugs).problems

    assert words in problem
    assert server.api_key not in problem
    assert server.count("credentials") == 1  # a health page is asked again soon


def test_without_slugs_the_key_is_checked(call: Any, server: LocalVendo) -> None:
    assert checked(call) == Health(True, ())
    server.revoke_key()
    assert not checked(call).ok


def test_an_override_needs_no_request(
    call: Any, server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "mine")

    assert checked(call, "gmail").ok
    assert server.requests == []


def test_malformed_values_are_problems_and_malformed_slugs_are_errors(
    call: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "canary\nline")

    [problem] = checked(call, "gmail", "openai").problems

    assert "VENDO_TOKEN_GMAIL" in problem
    assert "canary" not in problem
    for slugs in (["open ai"], "gmail", 5):
        with pytest.raises(vendo.ValidationError):
            call(lambda client, slugs=slugs: client.check(slugs))


@pytest.mark.parametrize("key", ["vendo_sk_a b", "vendo_sk_" + "x" * 32])
def test_a_bad_key_is_a_problem(server: LocalVendo, key: str, monkeypatch: Any) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("VENDO_API_KEY", key)

    [problem] = Vendo().check(["gmail"]).problems

    assert key not in problem
    assert "Fix: " in problem


@pytest.mark.parametrize("way", WAYS)
def test_oss_mode_looks_at_the_variables(way: Way, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk")
    monkeypatch.setenv("VENDO_TOKEN_MYTOOL", "t")
    monkeypatch.setenv("NOTION_TOKEN", "two\nlines")
    slugs = ["openai", "mytool", "notion", "gmail"]

    if way == "blocking":
        health = Vendo().check(slugs)
        assert Vendo().check() == Health(True, ())
    else:
        import asyncio

        health = asyncio.run(aio.client(transport=way).check(slugs))

    notion, gmail = health.problems
    assert "NOTION_TOKEN" in notion
    assert "Set GMAIL_ACCESS_TOKEN" in gmail


def test_a_slow_backend_is_a_problem_within_the_clients_time(server: LocalVendo) -> None:
    with server.hold("credentials"), server.client(timeout=0.2) as client:
        [problem] = client.check().problems
    assert "Fix: " in problem
