"""Anthropic's package, blocking and in asyncio: it sends its key in two headers."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anthropic
import pytest

import vendo
from sdks.checks import DUMMY, provider_texts
from sdks.scenarios import Calls, Scenarios

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk


def message(text: str) -> dict[str, Any]:
    return {
        "model": "local-model",
        "max_tokens": 10,
        "messages": [{"role": "user", "content": text}],
    }


class AnthropicScenarios(Scenarios):
    slug = "anthropic"
    other = ("GET", "/v1/models")
    unauthenticated = anthropic.AuthenticationError
    forbidden = anthropic.PermissionDeniedError

    def error_body(self, reason: str) -> dict[str, Any]:
        return {"type": "error", **super().error_body(reason)}


class TestAnthropic(AnthropicScenarios):
    #: What the SDK is given: a key and a token have a header each.
    dummies: dict[str, Any] = {"api_key": DUMMY}

    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        auth = client.httpx_auth("anthropic", override=True)
        http_client = anthropic.DefaultHttpxClient(auth=auth)
        sdk = anthropic.Anthropic(http_client=http_client, max_retries=0, **self.dummies)
        stack.enter_context(sdk)

        def say(text: str) -> object:
            return sdk.messages.create(**message(text))

        def stream() -> str:
            with sdk.messages.stream(**message("Hello")) as events:
                text = "".join(events.text_stream)
                assert events.get_final_message().stop_reason == "end_turn"
            return text

        return Calls(say, sdk.models.list, stream, [sdk, sdk.messages])


class TestAnthropicWithAuthToken(TestAnthropic):
    dummies = {"auth_token": DUMMY}


class TestAnthropicWithBothHeaders(TestAnthropic):
    dummies = {"api_key": DUMMY, "default_headers": {"Authorization": f"Bearer {DUMMY}"}}


class TestAsyncAnthropic(AnthropicScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        auth = client.httpx_auth("anthropic", override=True)
        http_client = anthropic.DefaultAsyncHttpxClient(auth=auth)
        sdk = anthropic.AsyncAnthropic(api_key=DUMMY, http_client=http_client, max_retries=0)
        stack.push_async_callback(sdk.close)

        async def say(text: str) -> object:
            return await sdk.messages.create(**message(text))

        async def other() -> object:
            return await sdk.models.list()

        async def stream() -> str:
            async with sdk.messages.stream(**message("Hello")) as events:
                return "".join([text async for text in events.text_stream])

        return Calls(say, other, stream, [sdk, sdk.messages])


@pytest.mark.parametrize("name", ["ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"])
def test_credential_in_the_environment_does_no_harm(
    server: LocalVendo, client: vendo.Vendo, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "sk-of-another-account")
    auth = client.httpx_auth("anthropic", override=True)
    http_client = anthropic.DefaultHttpxClient(auth=auth)
    with anthropic.Anthropic(api_key=DUMMY, http_client=http_client, max_retries=0) as sdk:
        assert len(sdk.models.list().data) == 1
    [text] = provider_texts(server, "anthropic")
    assert "sk-of-another-account" not in text
