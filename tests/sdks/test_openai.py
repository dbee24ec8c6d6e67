"""OpenAI's package, blocking and in asyncio."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import openai
import pytest

import vendo
from sdks.checks import DUMMY, provider_texts
from sdks.openai_clients import OpenAIScenarios, asynchronous, blocking
from sdks.scenarios import Calls

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

pytestmark = pytest.mark.sdk


def chat(text: str) -> dict[str, Any]:
    return {"model": "local-model", "messages": [{"role": "user", "content": text}]}


def text_of(chunks: Iterable[Any]) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


class TestOpenAI(OpenAIScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        sdk = stack.enter_context(blocking(client))

        def say(text: str) -> object:
            return sdk.chat.completions.create(**chat(text))

        def stream() -> str:
            return text_of(sdk.chat.completions.create(**chat("Hello"), stream=True))

        return Calls(say, sdk.models.list, stream, [sdk, sdk.chat.completions])


class TestAsyncOpenAI(OpenAIScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        sdk = asynchronous(client)
        stack.push_async_callback(sdk.close)

        async def say(text: str) -> object:
            return await sdk.chat.completions.create(**chat(text))

        async def other() -> object:
            return await sdk.models.list()

        async def stream() -> str:
            chunks = await sdk.chat.completions.create(**chat("Hello"), stream=True)
            return text_of([chunk async for chunk in chunks])

        return Calls(say, other, stream, [sdk, sdk.chat.completions])


class TestOpenAIResponses(OpenAIScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        sdk = stack.enter_context(blocking(client))

        def say(text: str) -> str:
            return sdk.responses.create(model="local-model", input=text).output_text

        def stream() -> str:
            with sdk.responses.stream(model="local-model", input="Hello") as events:
                deltas = [
                    event.delta for event in events if event.type == "response.output_text.delta"
                ]
                assert events.get_final_response().output_text == "".join(deltas)
            return "".join(deltas)

        return Calls(say, sdk.models.list, stream, [sdk])


def test_retries_are_those_of_the_sdk(server: LocalVendo, client: vendo.Vendo) -> None:
    with blocking(client) as sdk:
        server.fail("provider", status=500)
        with pytest.raises(openai.InternalServerError):
            sdk.models.list()
        with blocking(client, max_retries=1) as patient:
            server.fail("provider", status=500)
            assert [model.id for model in patient.models.list()] == ["local-model"]
    assert len(provider_texts(server, "openai")) == 3


def test_defaults_are_those_of_the_sdk(server: LocalVendo, client: vendo.Vendo) -> None:
    with blocking(client) as sdk, openai.OpenAI(api_key=DUMMY) as plain:
        assert sdk.timeout == plain.timeout
        assert sdk._client.timeout == plain._client.timeout
        assert sdk._client.follow_redirects == plain._client.follow_redirects
