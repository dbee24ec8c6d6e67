"""`integrations`: the platform's catalog. Each test for each kind of client."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from vendo import AuthError, Integration, RetryPolicy, UpstreamError, ValidationError, Vendo, aio

if TYPE_CHECKING:
    from collections.abc import Callable

    from vendo.testing import LocalVendo

    Call = Callable[..., Any]


def test_with_a_key_the_catalog_is_listed(server: LocalVendo, call: Call) -> None:
    rows = call(lambda client: client.integrations.list())

    assert {"gmail", "openai", "stripe"} <= {row.slug for row in rows}
    gmail = next(row for row in rows if row.slug == "gmail")
    assert isinstance(gmail, Integration)
    assert gmail.name == "Gmail"
    assert gmail.supported_profiles == ("composio_managed",)
    assert (gmail.enabled, gmail.featured) == (True, True)
    assert server.requests[-1].headers["Authorization"] == f"Bearer {server.api_key}"


def test_look_up_of_an_integration_ignores_case(server: LocalVendo, call: Call) -> None:
    assert call(lambda client: client.integrations.get("OpenAI")).slug == "openai"
    assert server.requests[-1].path == "/api/integrations/openai"


def test_missing_integration_is_none(server: LocalVendo, call: Call) -> None:
    assert call(lambda client: client.integrations.get("nosuch")) is None


def test_malformed_slug_is_an_error_before_sending(server: LocalVendo, call: Call) -> None:
    with pytest.raises(ValidationError):
        call(lambda client: client.integrations.get("../billing/balance"))
    assert server.requests == []


def test_rejected_key_is_an_error_and_not_none(server: LocalVendo, call: Call) -> None:
    server.revoke_key()
    with pytest.raises(AuthError):
        call(lambda client: client.integrations.get("gmail"))


def test_a_failing_backend_is_an_error(server: LocalVendo, call: Call) -> None:
    server.fail("api", 503, times=None)
    with pytest.raises(UpstreamError):
        call(lambda client: client.integrations.list(), retry=RetryPolicy(1))


def test_a_row_of_the_wrong_shape_is_one_typed_error(server: LocalVendo, call: Call) -> None:
    server.fail("api", body={"integrations": [{"slug": "gmail", "supported_profiles": "x"}]})
    with pytest.raises(UpstreamError, match="supported_profiles"):
        call(lambda client: client.integrations.list())


def test_without_a_key_the_anonymous_catalog_is_read(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_BASE_URL", server.url)
    with Vendo() as client:
        rows = client.integrations.list()
        assert {"gmail", "openai"} <= {row.slug for row in rows}
        one = client.integrations.get("gmail")
        assert one is not None
        assert one.slug == "gmail"
        assert client.integrations.get("nosuch") is None

    assert not any("authorization" in request.headers for request in server.requests)

    async def main() -> None:
        async with aio.client() as async_client:
            assert await async_client.integrations.list() == rows
            assert await async_client.integrations.get("gmail") == one

    asyncio.run(main())


def test_the_placeholder_key_is_never_sent(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Vendo("byok", server.url) as client:
        assert client.integrations.list()
    assert "authorization" not in server.requests[0].headers


def test_conventional_variables_come_from_the_bundled_catalog(
    server: LocalVendo, call: Call
) -> None:
    assert call(lambda client: client.integrations.env_vars("slack")) == [
        "SLACK_BOT_TOKEN",
        "SLACK_SIGNING_SECRET",
    ]
    notion = call(lambda client: client.integrations.env_vars("Notion"))
    assert notion == ["NOTION_TOKEN", "NOTION_API_TOKEN"]
    assert call(lambda client: client.integrations.env_vars("nosuch")) == []
    with pytest.raises(ValidationError, match="A slug is"):
        call(lambda client: client.integrations.env_vars("open ai"))
    assert server.requests == []
    assert Vendo().integrations.env_vars("openai") == ["OPENAI_API_KEY"]
