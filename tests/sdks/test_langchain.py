"""LangChain with OpenAI's models, blocking and in asyncio."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Any

import openai
import pytest

import vendo
from sdks.checks import DUMMY
from sdks.openai_clients import OpenAIScenarios
from sdks.scenarios import Calls

pytestmark = pytest.mark.sdk


class LangChainScenarios(OpenAIScenarios):
    other = ("POST", "/v1/embeddings")

    def models(self, client: vendo.Vendo, stack: AsyncExitStack) -> tuple[Any, Any]:
        """Return a chat model and one for embeddings, with the same clients."""
        import langchain_openai  # not in every environment

        auth = client.httpx_auth("openai", override=True)
        blocking = stack.enter_context(openai.DefaultHttpxClient(auth=auth))
        asynchronous = openai.DefaultAsyncHttpxClient(auth=auth)
        stack.push_async_callback(asynchronous.aclose)
        settings: dict[str, Any] = {
            "model": "local-model",
            "api_key": DUMMY,
            "http_client": blocking,
            "http_async_client": asynchronous,
            "max_retries": 0,
        }
        # LangChain would fetch a tokenizer to measure the texts.
        return langchain_openai.ChatOpenAI(**settings), langchain_openai.OpenAIEmbeddings(
            **settings, check_embedding_ctx_length=False
        )


class TestLangChain(LangChainScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        chat, embeddings = self.models(client, stack)

        def stream() -> str:
            return "".join(chunk.content for chunk in chat.stream("Hello"))

        def other() -> object:
            return embeddings.embed_query("Hello")

        return Calls(chat.invoke, other, stream, [chat, embeddings])


class TestAsyncLangChain(LangChainScenarios):
    def make(self, client: vendo.Vendo, stack: AsyncExitStack) -> Calls:
        chat, embeddings = self.models(client, stack)

        async def say(text: str) -> object:
            return await chat.ainvoke(text)

        async def stream() -> str:
            return "".join([chunk.content async for chunk in chat.astream("Hello")])

        async def other() -> object:
            return await embeddings.aembed_query("Hello")

        return Calls(say, other, stream, [chat, embeddings])
