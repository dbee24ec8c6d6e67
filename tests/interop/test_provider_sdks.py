"""The first call of each provider's own SDK, with the real package and a fake provider."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import anthropic
import github
import notion_client
import openai
import pytest
import slack_sdk
import stripe
import telegram
from google.auth.exceptions import RefreshError
from google.oauth2.credentials import Credentials
from googleapiclient import discovery
from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError
from slack_sdk.errors import SlackApiError

from vendo.testing import LocalVendo

MESSAGES: list[Any] = [{"role": "user", "content": "Hello"}]
GREETING = "Hello from the local server."


@pytest.fixture(autouse=True)
def _empty_environment(vendo_isolated: None) -> None:
    """Remove the credentials and addresses of the machine."""


@pytest.fixture
def connect() -> Iterator[Callable[[str], LocalVendo]]:
    """Start a server on which a provider is connected."""
    with LocalVendo() as server:

        def connected(slug: str) -> LocalVendo:
            server.connect(slug)
            return server

        yield connected


@pytest.mark.parametrize("base", ["", "/v1"])
def test_openai(connect: Callable[[str], LocalVendo], base: str) -> None:
    server = connect("openai")
    with openai.OpenAI(
        api_key=server.token("openai"),
        base_url=server.provider_url("openai") + base,
        max_retries=0,
    ) as client:
        assert [model.id for model in client.models.list()] == ["local-model"]
        whole = client.chat.completions.create(model="gpt-5", messages=MESSAGES)
        assert (whole.model, whole.choices[0].message.content) == ("gpt-5", GREETING)
        stream = client.chat.completions.create(model="gpt-5", messages=MESSAGES, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == GREETING
        server.expire("openai")
        with pytest.raises(openai.AuthenticationError) as caught:
            client.models.list()
    assert (caught.value.code, caught.value.type) == ("invalid_api_key", "invalid_request_error")


@pytest.mark.parametrize("name", ["api_key", "auth_token"])
def test_anthropic(connect: Callable[[str], LocalVendo], name: str) -> None:
    server = connect("anthropic")
    credential: Any = {name: server.token("anthropic")}
    with anthropic.Anthropic(
        **credential, base_url=server.provider_url("anthropic"), max_retries=0
    ) as client:
        message = client.messages.create(model="local-model", max_tokens=10, messages=MESSAGES)
        assert (message.model, message.content[0].type) == ("local-model", "text")
        assert [model.id for model in client.models.list()] == ["local-model"]
        server.expire("anthropic")
        with pytest.raises(anthropic.AuthenticationError) as caught:
            client.messages.create(model="local-model", max_tokens=10, messages=MESSAGES)
    body: Any = caught.value.body
    assert body["error"]["type"] == "authentication_error"


def test_slack(connect: Callable[[str], LocalVendo]) -> None:
    server = connect("slack")
    url, token = server.provider_url("slack"), server.token("slack")
    for base_url in (f"{url}/", f"{url}/api/"):
        client = slack_sdk.WebClient(token=token, base_url=base_url)
        assert client.auth_test()["team"] == "Local"
        assert client.chat_postMessage(channel="C1", text="Hi")["message"]["text"] == "Hi"
        assert client.api_call("auth.test", http_verb="GET")["ok"]
    with pytest.raises(SlackApiError) as caught:
        client.chat_postMessage(channel="", text="Hi")
    assert caught.value.response["error"] == "channel_not_found"
    server.expire("slack")
    with pytest.raises(SlackApiError) as caught:
        client.auth_test()
    assert caught.value.response["error"] == "invalid_auth"


def test_stripe(connect: Callable[[str], LocalVendo]) -> None:
    server = connect("stripe")
    with closing(stripe.RequestsClient()) as http_client:
        client = stripe.StripeClient(
            server.token("stripe"),
            base_addresses={"api": server.provider_url("stripe")},
            http_client=http_client,
            max_network_retries=0,
        )
        assert client.v1.balance.retrieve().available[0].amount == 4200
        customers = client.v1.customers.list().auto_paging_iter()
        assert [customer.email for customer in customers] == ["customer@example.com"]
        server.expire("stripe")
        with pytest.raises(stripe.AuthenticationError):
            client.v1.balance.retrieve()


@pytest.mark.parametrize("kind", ["Token", "Login", "AppAuthToken"])
def test_github(connect: Callable[[str], LocalVendo], kind: str) -> None:
    server = connect("github")
    token = server.token("github")
    auth = github.Auth.Login("me", token) if kind == "Login" else getattr(github.Auth, kind)(token)
    with github.Github(auth=auth, base_url=server.provider_url("github"), retry=None) as client:
        assert client.get_user().login == "local-owner"
        server.expire("github")
        with pytest.raises(github.BadCredentialsException) as caught:
            _ = client.get_user().login
    assert caught.value.data["message"] == "Bad credentials"


def test_notion(connect: Callable[[str], LocalVendo]) -> None:
    server = connect("notion")
    with notion_client.Client(
        auth=server.token("notion"), base_url=server.provider_url("notion")
    ) as client:
        me: Any = client.users.me()
        assert (me["object"], me["type"]) == ("user", "bot")
        server.expire("notion")
        with pytest.raises(notion_client.APIResponseError) as caught:
            client.users.me()
    assert caught.value.code == notion_client.APIErrorCode.Unauthorized


def test_gmail(connect: Callable[[str], LocalVendo]) -> None:
    server = connect("gmail")
    credentials = Credentials(server.token("gmail"))  # type: ignore[no-untyped-call]
    with discovery.build(
        "gmail",
        "v1",
        credentials=credentials,
        client_options={"api_endpoint": server.provider_url("gmail")},
        static_discovery=True,
    ) as service:
        users = service.users()
        assert users.getProfile(userId="me").execute()["emailAddress"] == "owner@example.com"
        assert len(users.messages().list(userId="me").execute()["messages"]) == 5
        server.expire("gmail")
        # The credential of this test cannot be refreshed.
        with pytest.raises(RefreshError):
            users.getProfile(userId="me").execute()


def test_telegram(connect: Callable[[str], LocalVendo]) -> None:
    server = connect("telegram")
    token, url = server.token("telegram"), server.provider_url("telegram")

    async def name() -> str | None:
        async with telegram.Bot(
            token, base_url=f"{url}/bot", base_file_url=f"{url}/file/bot"
        ) as bot:
            return (await bot.get_me()).username

    assert asyncio.run(name()) == "local_vendo_bot"
    server.expire("telegram")
    with pytest.raises(telegram.error.InvalidToken):
        asyncio.run(name())


def test_huggingface(connect: Callable[[str], LocalVendo]) -> None:
    server = connect("huggingface")
    api = HfApi(endpoint=server.provider_url("huggingface"), token=server.token("huggingface"))
    assert api.whoami()["name"] == "local-owner"
    server.expire("huggingface")
    with pytest.raises(HfHubHTTPError, match="Invalid user token"):
        api.whoami()
