"""`connections`: what is connected, and its details. Each test for each kind of client."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from support.flows import JWT
from support.ways import Way, run
from vendo import (
    AuthError,
    Connection,
    EnvBootstrap,
    EnvVar,
    RetryPolicy,
    UpstreamError,
    ValidationError,
    Vendo,
    aio,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

    Call = Callable[..., Any]

ONCE = RetryPolicy(1)


def test_every_field_of_the_platform_is_read(server: LocalVendo, call: Call) -> None:
    server.connect(
        "supabase",
        profile="vendo_managed_pool",
        metadata={"region": "eu"},
        credential={"access_token": "canary"},
        exclusive=True,
        logo_url="https://logo.example",
        brand_color="#3ecf8e",
    )
    row = call(lambda client: client.connections.get("supabase"))

    assert isinstance(row, Connection)
    assert row.is_connected
    assert row.display_name == "Supabase"
    assert row.profile == "vendo_managed_pool"
    assert row.metadata == {"region": "eu"}
    assert row.context == {"ref": "abcdefghijklmnopqrst"}
    assert row.credential == {"access_token": "canary"}
    assert row.api_key == server.connection_key("supabase")
    assert row.base_url == server.provider_url("supabase")
    assert row.exclusive is True
    assert (row.logo_url, row.brand_color) == ("https://logo.example", "#3ecf8e")
    assert row.env_bootstrap == EnvBootstrap(
        (EnvVar("SUPABASE_ACCESS_TOKEN", "access_token"),), "gateway"
    )
    assert row.id
    assert row.external_id
    assert row.connected_at
    assert "canary" not in repr(row)
    assert server.connection_key("supabase") not in repr(row)


def test_rows_of_an_older_backend_are_read(server: LocalVendo, call: Call) -> None:
    server.connect(
        "instagram",
        omit=["context", "external_id", "exclusive", "logo_url", "brand_color", "docs_url"],
        metadata={"context": {"instagram": {"ig_user_id": "17"}}},
    )
    row = call(lambda client: client.connections.get("instagram"))

    assert row.context == {"ig_user_id": "17"}
    assert (row.external_id, row.exclusive, row.docs_url) == (None, None, None)


def test_list_has_every_status_and_connected_slugs_only_usable_ones(
    server: LocalVendo, call: Call
) -> None:
    for slug, status in (
        ("notion", "available"), ("linear", "pending_setup"), ("github", "needs_reauth"),
        ("stripe", "error"), ("google", "revoked"),
    ):  # fmt: skip
        server.connect(slug, status=status)
    rows = call(lambda client: client.connections.list())

    assert {row.slug: row.status for row in rows if row.status != "available"} == {
        "gmail": "connected", "openai": "connected", "slack": "connected",
        "linear": "pending_setup", "github": "needs_reauth", "stripe": "error",
    }  # fmt: skip
    by_slug = {row.slug: row for row in rows}
    assert by_slug["notion"].setup_url
    assert by_slug["notion"].id is None
    assert by_slug["stripe"].error_message
    assert call(lambda client: client.connections.connected_slugs()) == ["gmail", "openai", "slack"]


def test_look_up_ignores_case_and_gives_none_for_a_missing_slug(
    server: LocalVendo, call: Call
) -> None:
    row = call(lambda client: client.connections.get("GMail"))

    assert row.slug == "gmail"
    assert call(lambda client: client.connections.get("nosuch")) is None
    with pytest.raises(ValidationError):
        call(lambda client: client.connections.get("no slug"))


def test_connected_row_wins_over_another_of_the_same_slug(server: LocalVendo, call: Call) -> None:
    rows = [
        {"slug": "gmail", "status": "revoked", "id": "1"},
        {"slug": "gmail", "status": "connected", "id": "2"},
        {"slug": "gmail", "status": "connected", "id": "3"},
    ]
    server.fail("api", body={"connections": rows}, times=2)

    assert call(lambda client: client.connections.get("gmail")).id == "2"
    assert call(lambda client: client.connections.connected_slugs()) == ["gmail"]


def test_user_and_sandbox_are_sent(
    server: LocalVendo, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_SANDBOX", "1")
    server.connect("stripe", exclusive=True, credential={"access_token": "canary"})
    row = call(lambda client: client.for_user(JWT).connections.get("stripe"))

    assert row.credential is None
    assert server.requests[-1].headers["X-Vendo-User-JWT"] == JWT
    assert server.requests[-1].raw_query == "sandbox=1"


def test_rejected_key_is_an_error_without_a_fallback(
    server: LocalVendo, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_CONNECTIONS", "gmail")
    server.revoke_key()
    with pytest.raises(AuthError):
        call(lambda client: client.connections.list())


def test_connection_key_is_an_error(server: LocalVendo, call: Call) -> None:
    with pytest.raises(AuthError):
        call(lambda client: client.connections.list(), api_key=server.connection_key("gmail"))


@pytest.mark.parametrize("fault", [{"status": 503}, {"reset": True}, {"html": True}])
def test_unreachable_api_falls_back_to_the_platforms_variable(
    server: LocalVendo,
    call: Call,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fault: dict[str, Any],
) -> None:
    monkeypatch.setenv("VENDO_CONNECTIONS", " gmail, Supabase,,made-up, gmail ")
    server.fail("api", **fault, times=None)
    with caplog.at_level(logging.DEBUG, logger="vendo"):
        rows = call(lambda client: client.connections.list(), retry=ONCE)

    assert [(row.slug, row.status, row.context) for row in rows] == [
        ("gmail", "connected", None),
        ("supabase", "connected", None),
        ("made-up", "connected", None),
    ]
    assert (rows[1].display_name, rows[2].display_name) == ("Supabase", None)
    assert "VENDO_CONNECTIONS" in caplog.text
    assert server.api_key not in caplog.text
    assert call(lambda client: client.connections.connected_slugs(), retry=ONCE) == [
        "gmail",
        "supabase",
        "made-up",
    ]


@pytest.mark.parametrize("value", [None, "", "  "])
def test_without_that_variable_an_unreachable_api_is_an_error(
    server: LocalVendo, call: Call, monkeypatch: pytest.MonkeyPatch, value: str | None
) -> None:
    if value is not None:
        monkeypatch.setenv("VENDO_CONNECTIONS", value)
    server.fail("api", 503, times=None)
    with pytest.raises(UpstreamError):
        call(lambda client: client.connections.list(), retry=ONCE)


def test_response_of_the_wrong_shape_is_one_typed_error(server: LocalVendo, call: Call) -> None:
    server.fail("api", body={"connections": [{"slug": "gmail", "status": 7}]})
    with pytest.raises(UpstreamError, match="invalid status"):
        call(lambda client: client.connections.list())


def test_concurrent_threads_share_rows_in_separate_lists(
    server: LocalVendo,
) -> None:
    with server.client() as client, server.hold("api") as gate, ThreadPoolExecutor(10) as pool:
        calls = [pool.submit(client.connections.list) for _ in range(10)]
        gate.wait_for(1)
        gate.release()
        lists = [call.result() for call in calls]
        assert len({id(rows) for rows in lists}) == 10
        assert all(rows == lists[0] for rows in lists)


def test_nothing_is_cached_after_the_response(server: LocalVendo, way: Way) -> None:
    settings = server._addresses()
    for _ in range(2):
        run(way, settings, lambda client: client.connections.list())
    assert server.count("api") == 2


def test_a_hundred_concurrent_tasks_share_one_request(server: LocalVendo) -> None:
    async def main() -> None:
        async with server.async_client() as client:
            with server.hold("api") as gate:
                tasks = [asyncio.create_task(client.connections.list()) for _ in range(100)]
                await asyncio.get_running_loop().run_in_executor(None, gate.wait_for)
                gate.release()
                lists = await asyncio.gather(*tasks)
        assert all(rows == lists[0] for rows in lists)
        assert len({id(rows) for rows in lists}) == 100

    asyncio.run(main())
    assert server.count("api") == 1


def test_users_do_not_share_a_request(server: LocalVendo) -> None:
    with server.client() as client, server.hold("api") as gate, ThreadPoolExecutor(3) as pool:
        users = [client, client.for_user("one.jwt.x"), client.for_user("two.jwt.x")]
        calls = [pool.submit(user.connections.list) for user in users]
        gate.wait_for(3)
        gate.release()
        assert all(call.result() for call in calls)


def test_each_caller_of_a_shared_request_gets_its_own_error(server: LocalVendo) -> None:
    server.fail("api", code="app_revoked", times=None)
    with server.client() as client, server.hold("api") as gate, ThreadPoolExecutor(5) as pool:
        calls = [pool.submit(client.connections.list) for _ in range(5)]
        gate.wait_for(1)
        gate.release()
        failures = [call.exception() for call in calls]
    assert all(isinstance(failure, AuthError) for failure in failures)
    assert len({id(failure) for failure in failures}) == 5


def test_cancelling_the_first_task_leaves_the_others_served(server: LocalVendo) -> None:
    async def main() -> None:
        async with server.async_client() as client:
            with server.hold("api") as gate:
                first = asyncio.create_task(client.connections.list())
                await asyncio.get_running_loop().run_in_executor(None, gate.wait_for)
                others = [asyncio.create_task(client.connections.list()) for _ in range(5)]
                await asyncio.sleep(0)
                first.cancel()
                gate.release()
                assert all(await asyncio.gather(*others))
                assert first.cancelled() or first.cancelling()

    asyncio.run(main())
    assert server.count("api") == 1


def test_waiting_for_a_shared_request_ends_with_the_callers_time_out(
    server: LocalVendo, call: Call
) -> None:
    with server.client() as leader, server.hold("api") as gate, ThreadPoolExecutor(1) as pool:
        leading = pool.submit(leader.connections.list)
        gate.wait_for(1)
        with pytest.raises(TimeoutError):
            call(lambda client: client.connections.list(), timeout=0.1)
        gate.release()
        assert leading.result()
    assert server.count("api") == 1


def test_other_callers_repeat_a_request_that_ended_with_its_loop(
    server: LocalVendo,
) -> None:
    async def give_up() -> None:
        task = asyncio.create_task(client.connections.list())
        await asyncio.get_running_loop().run_in_executor(None, gate.wait_for)
        assert not task.done()

    client = server.async_client()
    with server.hold("api") as gate, server.client() as blocking, ThreadPoolExecutor(1) as pool:
        asyncio.run(give_up())
        waiting = pool.submit(blocking.connections.list)
        gate.wait_for(1)
        gate.release()
        assert waiting.result()


class TestOssMode:
    @pytest.fixture
    def env(self, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
        monkeypatch.setenv("VENDO_TOKEN_GMAIL", "ya29-canary")
        return monkeypatch

    def test_each_slug_of_the_environment_has_a_row(self, env: pytest.MonkeyPatch) -> None:
        rows = Vendo().connections.list()

        assert {row.slug for row in rows} == {"openai", "gmail"}
        assert all(row.is_connected for row in rows)
        assert {row.display_name for row in rows} == {"OpenAI", "Gmail"}
        assert all(row.category and row.docs_url for row in rows)
        assert all(row.context is None and row.credential is None for row in rows)
        assert "canary" not in repr(rows)

    def test_environment_is_read_each_time(self, env: pytest.MonkeyPatch) -> None:
        client = Vendo()
        assert client.connections.get("slack") is None
        env.setenv("SLACK_BOT_TOKEN", "xoxb")
        assert client.connections.get("slack") == next(
            row for row in client.connections.list() if row.slug == "slack"
        )
        env.setenv("OPENAI_API_KEY", "  ")
        assert set(client.connections.connected_slugs()) == {"gmail", "slack"}

    def test_malformed_variable_is_a_row_with_an_error(self, env: pytest.MonkeyPatch) -> None:
        env.setenv("OPENAI_API_KEY", "sk-canary\nx")
        row = Vendo().connections.get("openai")

        assert row is not None
        assert row.status == "error"
        assert "OPENAI_API_KEY" in (row.error_message or "")
        assert "canary" not in repr(row)
        assert Vendo().connections.connected_slugs() == ["gmail"]

    def test_the_platforms_variable_is_ignored(self, env: pytest.MonkeyPatch) -> None:
        env.setenv("VENDO_CONNECTIONS", "slack")

        assert set(Vendo().connections.connected_slugs()) == {"openai", "gmail"}

    def test_asyncio_code_gets_the_same_rows(self, env: pytest.MonkeyPatch) -> None:
        async def main() -> list[Connection]:
            return await aio.connections.list()

        assert asyncio.run(main()) == Vendo().connections.list()
