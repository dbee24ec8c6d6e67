"""Callables that return the current token: what an SDK calls for each request."""

from __future__ import annotations

import asyncio
import copy
import inspect
import pickle
from collections.abc import Iterator

import pytest

import vendo
import vendo.aio
from vendo.testing import LocalVendo, MockAsyncClient, MockClient


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo(["openai"]) as running:
        yield running


@pytest.fixture
def client(server: LocalVendo) -> Iterator[vendo.Vendo]:
    with server.client() as client:
        yield client


def test_each_call_returns_the_current_token(server: LocalVendo, client: vendo.Vendo) -> None:
    provider = client.token_provider("openai")
    assert provider() == server.token("openai")
    newer = server.rotate("openai")
    client.invalidate("openai", token=provider())
    assert provider() == newer
    assert server.count("credentials") == 2


def test_each_await_returns_the_current_token(server: LocalVendo, client: vendo.Vendo) -> None:
    async def main() -> None:
        async with server.async_client() as aclient:
            for provider in (
                aclient.async_token_provider("openai"),
                aclient.token_provider("openai"),
                client.async_token_provider("openai"),
            ):
                assert await provider() == server.token("openai")
                assert inspect.iscoroutinefunction(provider)

    asyncio.run(main())


def test_module_has_both(monkeypatch: pytest.MonkeyPatch, vendo_isolated: None) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a")
    assert vendo.token_provider("openai")() == "sk-a"
    assert asyncio.run(vendo.async_token_provider("openai")()) == "sk-a"  # type: ignore[arg-type]  # a coroutine
    assert asyncio.run(vendo.aio.token_provider("openai")()) == "sk-a"  # type: ignore[arg-type]  # the same
    assert asyncio.run(vendo.aio.async_token_provider("openai")()) == "sk-a"  # type: ignore[arg-type]  # the same
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(vendo.NotConnected, match="openai"):
        vendo.token_provider("openai")()


def test_it_has_a_name_and_shows_no_secret(server: LocalVendo, client: vendo.Vendo) -> None:
    provider = client.token_provider("Google-Drive")
    token = client.token("openai")
    name: str = provider.__name__
    assert name == "google_drive_token"
    for shown in (repr(provider), str(provider), f"{provider}"):
        assert shown == "<TokenProvider 'google-drive'>"
    shown = str(vars(client.token_provider("openai")))
    assert token not in shown
    assert server.api_key not in shown


def test_equal_arguments_give_equal_providers(client: vendo.Vendo) -> None:
    one, other = client.token_provider("openai"), client.token_provider("OpenAI")
    assert (one == other, hash(one) == hash(other)) == (True, True)
    assert one != client.token_provider("slack")
    waiting: object = client.async_token_provider("openai")
    assert one != waiting
    assert one != client.for_user("user.jwt.a").token_provider("openai")


def test_copies_and_pickles_work_and_contain_no_secret(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    provider = vendo.token_provider("openai")
    token = provider()
    pickled = pickle.dumps(provider)
    assert token.encode() not in pickled
    assert server.api_key.encode() not in pickled
    for other in (pickle.loads(pickled), copy.copy(provider), copy.deepcopy(provider)):
        assert other() == token
    waiting = pickle.loads(pickle.dumps(vendo.async_token_provider("openai")))
    assert asyncio.run(waiting()) == token


def test_that_of_a_user_is_not_pickled(client: vendo.Vendo) -> None:
    with pytest.raises(vendo.ValidationError, match="contains the user's JWT"):
        pickle.dumps(client.for_user("user.jwt.a").token_provider("openai"))


def test_that_of_a_user_returns_their_token(server: LocalVendo, client: vendo.Vendo) -> None:
    provider = client.for_user("user.jwt.a").token_provider("openai")
    assert provider() == server.token("openai", user="user.jwt.a") != client.token("openai")


def test_mocks_have_both() -> None:
    assert MockClient({"openai": "sk-a"}).token_provider("openai")() == "sk-a"
    mock = MockAsyncClient({"openai": "sk-a"})
    assert asyncio.run(mock.token_provider("openai")()) == "sk-a"  # type: ignore[arg-type]  # a coroutine


@pytest.mark.parametrize("slug", ["", "a b", "é"])
def test_malformed_slug_is_an_error_where_it_is_made(client: vendo.Vendo, slug: str) -> None:
    with pytest.raises(vendo.ValidationError):
        client.token_provider(slug)
    with pytest.raises(vendo.ValidationError):
        client.async_token_provider(slug)


@pytest.mark.parametrize("token", [b"t", 1, ["t"]])
def test_only_a_str_is_invalidated(client: vendo.Vendo, token: object) -> None:
    with pytest.raises(vendo.ValidationError, match="token= must be a str") as caught:
        client.invalidate("openai", token=token)  # type: ignore[arg-type]  # that is the point
    assert caught.value.slug == "openai"


def test_invalidate_drops_that_token_alone(server: LocalVendo, client: vendo.Vendo) -> None:
    first = client.token("openai")
    client.invalidate("openai", token="an-older-one")
    assert client.token("openai") == first
    assert server.count("credentials") == 1
    newer = server.rotate("openai")
    client.invalidate("openai", token=first)
    assert client.token("openai") == newer
    client.invalidate("openai", token=first)
    assert client.token("openai") == newer
    assert server.count("credentials") == 2
