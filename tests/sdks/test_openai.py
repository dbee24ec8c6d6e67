"""OpenAI's package, blocking and in asyncio."""

from __future__ import annotations

import json
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import openai
import pytest
from websockets.sync.server import ServerConnection, serve

import vendo
from sdks.checks import DUMMY, fetches, provider_texts
from sdks.openai_clients import OpenAIScenarios, asynchronous, blocking
from sdks.scenarios import Calls

if TYPE_CHECKING:
    import asyncio

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


def test_callable_key_follows_vendo_but_no_rejection(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    with openai.OpenAI(api_key=client.token_provider("openai"), max_retries=0) as sdk:
        sdk.base_url = server.provider_url("openai")
        assert len(sdk.models.list().data) == 1
        rejected = client.token("openai")
        server.expire("openai")
        for _ in range(2):
            with pytest.raises(openai.AuthenticationError):
                sdk.models.list()
        client.invalidate("openai", token=rejected)
        assert len(sdk.models.list().data) == 1
    assert fetches(server) == 2


def test_asynchronous_callable_key(
    server: LocalVendo, client: vendo.Vendo, runner: asyncio.Runner
) -> None:
    async def main() -> None:
        key = client.async_token_provider("openai")
        async with openai.AsyncOpenAI(api_key=key, max_retries=0) as sdk:
            sdk.base_url = server.provider_url("openai")
            assert len([model async for model in sdk.models.list()]) == 1

    runner.run(main())


# The package's own way to connect.
@pytest.mark.filterwarnings(r"ignore:connect\(\) must be used:DeprecationWarning")
def test_realtime_takes_a_callable_key(server: LocalVendo, client: vendo.Vendo) -> None:
    seen: list[str] = []

    def greet(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.append(connection.request.headers["Authorization"])
        connection.send(json.dumps({"type": "session.created", "event_id": "1", "session": {}}))

    with serve(greet, "127.0.0.1", 0) as sockets, ThreadPoolExecutor(1) as pool:
        pool.submit(sockets.serve_forever)
        port = sockets.socket.getsockname()[1]
        try:
            with openai.OpenAI(
                api_key=client.token_provider("openai"),
                websocket_base_url=f"ws://127.0.0.1:{port}",
            ) as sdk:
                for _ in range(2):
                    with sdk.realtime.connect(model="local-model") as connection:
                        assert connection.recv().type == "session.created"
                    server.rotate("openai")
                    client.invalidate("openai")
        finally:
            sockets.shutdown()
    assert len(set(seen)) == 2
    assert all(header.startswith("Bearer local_openai_") for header in seen)


def test_key_that_is_taken_once_needs_a_new_client(server: LocalVendo, client: vendo.Vendo) -> None:
    def models(token: str) -> object:
        url = server.provider_url("openai")
        with openai.OpenAI(api_key=token, base_url=url, max_retries=0) as sdk:
            return sdk.models.list()

    token = client.token("openai")
    models(token)
    server.expire("openai")
    with pytest.raises(openai.AuthenticationError):
        models(client.token("openai"))
    client.invalidate("openai", token=token)
    models(client.token("openai"))
    client.invalidate("openai", token=token)  # again: the new one stays
    models(client.token("openai"))
    assert fetches(server) == 2
