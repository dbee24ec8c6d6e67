"""LiteLLM, with clients of OpenAI's package, and with its own for Anthropic."""

from __future__ import annotations

import os
from contextlib import AsyncExitStack
from typing import Any

import httpx
import openai
import pytest

import vendo
from sdks.checks import DUMMY
from sdks.openai_clients import OpenAIScenarios, asynchronous, blocking
from sdks.scenarios import Calls

# What it fetches when it is imported comes with it, too.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

pytestmark = [
    pytest.mark.sdk,
    # Its own use of pydantic, httpx and the standard library.
    pytest.mark.filterwarnings("ignore:.*ReadOnly.* qualifier:UserWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:litellm"),
    pytest.mark.filterwarnings("ignore:Use 'content:DeprecationWarning"),
]


def imported() -> Any:
    import litellm  # not in every environment

    return litellm


def chat(model: str, text: str = "Hello", **options: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": text}], **options}


def text_of(chunks: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


class LiteLLMScenarios(OpenAIScenarios):
    other = ("POST", "/v1/embeddings")
    model = "openai/local-model"
    # LiteLLM's errors are subclasses of OpenAI's; embeddings have the widest one for a 403.
    forbidden = openai.APIError


class TestLiteLLM(LiteLLMScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        litellm, sdk = imported(), stack.enter_context(blocking(client))

        def say(text: str) -> object:
            return litellm.completion(**chat(self.model, text), client=sdk)

        def stream() -> str:
            return text_of(litellm.completion(**chat(self.model, stream=True), client=sdk))

        def other() -> object:
            return litellm.embedding(self.model, ["Hello"], client=sdk)

        return Calls(say, other, stream)


class TestAsyncLiteLLM(LiteLLMScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        litellm, sdk = imported(), asynchronous(client)
        stack.push_async_callback(sdk.close)

        async def say(text: str) -> object:
            return await litellm.acompletion(**chat(self.model, text), client=sdk)

        async def stream() -> str:
            chunks = await litellm.acompletion(**chat(self.model, stream=True), client=sdk)
            return text_of([chunk async for chunk in chunks])

        async def other() -> object:
            return await litellm.aembedding(self.model, ["Hello"], client=sdk)

        return Calls(say, other, stream)


class TestLiteLLMWithAnthropic(LiteLLMScenarios):
    slug = "anthropic"
    other = ("POST", "/other/v1/messages")
    model = "anthropic/local-model"
    shows_dummy = True  # the older one logs it

    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        litellm = imported()
        # LiteLLM calls no other endpoint of Anthropic.
        content = [{"type": "text", "text": "Hello"}]
        usage = {"input_tokens": 1, "output_tokens": 1}
        message = {"content": content, "usage": usage, "model": "local-model"}
        message |= {"id": "msg_local", "stop_reason": "end_turn"}
        self.server.respond("anthropic", *self.other, body=message)
        from litellm.llms.custom_httpx.http_handler import HTTPHandler

        auth = client.httpx_auth("anthropic", override=True)
        http_client = HTTPHandler(client=stack.enter_context(httpx.Client(auth=auth)))
        settings = {"client": http_client, "api_key": DUMMY}

        def say(text: str) -> object:
            return litellm.completion(**chat(self.model, text), **settings)

        def stream() -> str:
            return text_of(litellm.completion(**chat(self.model, stream=True), **settings))

        def other() -> object:
            return litellm.completion(
                **chat(self.model), **settings, api_base="https://api.anthropic.com/other"
            )

        return Calls(say, other, stream)
