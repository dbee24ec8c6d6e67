"""The mock clients: the surface of the real ones, and answers that are given in advance."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from vendo import AsyncVendo, NeedsReauth, NotConnected, UpstreamError, Vendo, VendoOnlyFeature
from vendo._client.apis import ConnectionsAPI
from vendo.testing import LocalVendo, MockAsyncClient, MockClient, fake_connection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterator

SUB_APIS = ("billing", "connections", "data", "events", "integrations", "webhooks")


def _surface(cls: type) -> dict[str, inspect.Signature]:
    methods = inspect.getmembers(cls, inspect.isfunction)
    return {name: inspect.signature(method) for name, method in methods if name[0] != "_"}


def _parameters(signature: inspect.Signature) -> list[tuple[str, object, object]]:
    return [(p.name, p.kind, p.default) for p in signature.parameters.values()]


@pytest.mark.parametrize(("mock", "real"), [(MockClient, Vendo), (MockAsyncClient, AsyncVendo)])
def test_a_mock_has_the_methods_of_the_real_client_with_their_parameters(
    mock: type[MockClient] | type[MockAsyncClient], real: type
) -> None:
    assert issubclass(mock, real)
    ours, theirs = _surface(mock), _surface(real)
    assert ours.keys() == theirs.keys()
    for name, signature in theirs.items():
        assert _parameters(ours[name]) == _parameters(signature), name


@pytest.mark.parametrize("api", SUB_APIS)
def test_a_sub_api_of_a_mock_has_the_methods_of_the_real_one(api: str) -> None:
    for mock, real in ((MockClient(), Vendo("byok")), (MockAsyncClient(), AsyncVendo("k" * 40))):
        ours, theirs = _surface(type(getattr(mock, api))), _surface(type(getattr(real, api)))
        assert ours.keys() == theirs.keys()
        for name, signature in theirs.items():
            assert _parameters(ours[name]) == _parameters(signature), name


def test_every_answer_of_a_sub_api_is_the_mocks_own_so_that_none_asks_the_network() -> None:
    for mock in (MockClient(), MockAsyncClient()):
        for api in ("billing", "connections", "data", "events", "integrations"):
            cls = type(getattr(mock, api))
            inherited = set(_surface(cls)) - set(vars(cls))
            assert inherited <= {"env_vars"}, api  # out of the bundled catalog


def test_a_call_that_the_mock_does_not_answer_itself_sends_nothing() -> None:
    client = MockClient()

    with pytest.raises(UpstreamError, match="does not send requests"):
        ConnectionsAPI(client).list()


class Asker:
    """`ask("billing.usage", "day", balance=1)`: one call on a new mock, blocking or awaited."""

    def __init__(
        self, mock: type[MockClient] | type[MockAsyncClient], runner: asyncio.Runner
    ) -> None:
        self.mock: Any = mock
        self._runner = runner

    def __call__(self, call: str, *args: Any, client: Any = None, **given: Any) -> Any:
        target = client or self.mock(**given)
        for name in call.split("."):
            target = getattr(target, name)
        answer = target(*args)
        return self._runner.run(_awaited(answer)) if inspect.isawaitable(answer) else answer


async def _awaited(answer: Awaitable[Any]) -> Any:
    return await answer


@pytest.fixture(params=[MockClient, MockAsyncClient])
def ask(request: pytest.FixtureRequest) -> Iterator[Asker]:
    with asyncio.Runner() as runner:
        yield Asker(request.param, runner)


def test_tokens_are_those_that_were_given_whatever_the_environment_holds(
    ask: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-of-the-environment")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-environment")
    given = {"openai": "sk-given", "Notion": "n-given", "gmail": NeedsReauth("x", "y")}

    assert ask("token", "OpenAI", tokens=given) == "sk-given"
    assert ask("tokens", ["openai", "NOTION", "slack", "gmail"], tokens=given) == {
        "openai": "sk-given",
        "NOTION": "n-given",
        "slack": None,
        "gmail": None,
    }


def test_a_slug_without_a_token_raises_what_the_backend_would(ask: Asker) -> None:
    with LocalVendo() as server, pytest.raises(NotConnected) as real:
        server.client().token("slack")

    with pytest.raises(NotConnected, match="has no token for 'slack'") as mocked:
        ask("token", "slack")

    assert mocked.value.suggested_fix == 'MockClient({"slack": "a-token"})'
    for attribute in ("code", "slug", "status"):
        assert getattr(mocked.value, attribute) == getattr(real.value, attribute)


def test_an_error_given_in_place_of_an_answer_is_raised_afresh(ask: Asker) -> None:
    error = NeedsReauth("connection_needs_reauth", "Authorize again.", slug="gmail")
    client = ask.mock(
        {"gmail": error},
        balance=UpstreamError("upstream_error", "down"),
        spend_caps=UpstreamError("upstream_error", "down"),
        actions={"GMAIL_SEND": error},
    )

    for call, *args in (("token", "gmail"), ("data.execute", "GMAIL_SEND")):
        with pytest.raises(NeedsReauth) as raised:
            ask(call, *args, client=client)
        assert raised.value is not error
        assert raised.value.slug == "gmail"
    for call in ("billing.balance", "billing.spend_caps"):
        with pytest.raises(UpstreamError, match="down"):
            ask(call, client=client)


def test_the_other_answers_are_those_that_were_given(ask: Asker) -> None:
    row = fake_connection("gmail", "needs_reauth")
    offered = vendo.Integration("notion", name="Notion")
    client = ask.mock(
        connections=["slack", row, "gmail"],
        integrations=[offered],
        balance=7,
        spend_caps=vendo.SpendCaps(1, 2, 3, 4),
        usage={"total_micros": 5},
        actions={"A": {"id": 1}, "B": lambda args: args["n"] + 1},
    )

    assert ask("connections.list", client=client)[1] is row
    assert ask("connections.get", "GMAIL", client=client).status == "connected"
    assert ask("connections.get", "notion", client=client) is None
    assert ask("connections.connected_slugs", client=client) == ["slack", "gmail"]
    assert ask("integrations.list", client=client) == [offered]
    assert ask("integrations.get", "notion", client=client) is offered
    assert ask("integrations.get", "gmail", client=client) is None
    assert ask("integrations.env_vars", "notion", client=client) == ["NOTION_TOKEN"]
    assert ask("billing.balance", client=client).credits_remaining_micros == 7
    assert ask("billing.spend_caps", client=client) == vendo.SpendCaps(1, 2, 3, 4)
    assert ask("billing.usage", "day", client=client) == {"total_micros": 5}
    assert ask("data.execute", "A", client=client) == {"id": 1}
    assert ask("data.execute", "B", {"n": 1}, client=client) == 2
    with pytest.raises(UpstreamError, match="no result for the action 'C'"):
        ask("data.execute", "C", client=client)


def test_what_is_left_out_has_a_usual_answer(ask: Asker) -> None:
    tokens = {"openai": "sk-given", "gmail": NeedsReauth("x", "y")}

    assert ask("connections.connected_slugs", tokens=tokens) == ["openai"]
    assert {row.slug for row in ask("integrations.list")} >= {"openai", "gmail", "slack"}
    assert ask("billing.balance").credits_remaining == 5
    assert ask("billing.balance", balance=vendo.Balance(1, "USD")) == vendo.Balance(1, "USD")
    assert ask("billing.spend_caps") == vendo.SpendCaps(None, None, 0, 0)
    assert ask("billing.usage") == {}


def test_a_mock_records_what_it_was_asked_and_no_jwt(ask: Asker) -> None:
    client = ask.mock({"openai": "sk-given"})
    user = client.for_user("a.user.jwt")

    ask("token", "OpenAI", client=client)
    ask("tokens", ["openai", "slack"], client=user)
    ask("connections.get", "slack", client=client)
    ask("billing.usage", client=client)
    client.invalidate("openai")
    client.connect_url("gmail", state="s")
    user.for_request({"x-vendo-user-jwt": "another.user.jwt"})

    assert client.calls == [
        ("for_user",),
        ("token", "openai"),
        ("tokens", "openai", "slack"),
        ("connections.get", "slack"),
        ("billing.usage", "month"),
        ("invalidate", "openai"),
        ("connect_url", "gmail"),
        ("for_user",),
    ]
    client.calls.clear()
    assert client.calls, "a copy"


def test_a_mock_of_oss_mode_raises_what_such_a_client_raises(ask: Asker) -> None:
    client = ask.mock({"openai": "sk-given"}, vendo_mode=False)

    assert not client.is_vendo_mode()
    assert ask("token", "openai", client=client) == "sk-given"
    assert ask("connections.connected_slugs", client=client) == ["openai"]
    calls = [
        ("billing.balance",),
        ("billing.spend_caps",),
        ("billing.usage",),
        ("data.execute", "A"),
        ("events.subscribe",),
        ("connect_url", "gmail"),
        ("for_user", "a.user.jwt"),
    ]
    for call, *args in calls:
        with pytest.raises(VendoOnlyFeature):
            ask(call, *args, client=client)


def test_a_mock_refuses_malformed_slugs_and_a_single_text_as_the_real_one_does(
    ask: Asker,
) -> None:
    for call, argument in (
        ("token", "no slug"),
        ("token", 5),
        ("tokens", ["no slug"]),
        ("tokens", [["openai"]]),
        ("tokens", "openai"),
        ("tokens", 5),
        ("tokens", None),
    ):
        with pytest.raises(vendo.ValidationError):
            ask(call, argument)
    with pytest.raises(vendo.ValidationError):
        MockClient({"no slug": "x"})


def test_a_value_that_is_no_token_is_refused_without_being_shown() -> None:
    with pytest.raises(TypeError, match="'openai' must be a str, not bytes") as raised:
        MockClient({"openai": b"sk-canary"})  # type: ignore[dict-item]  # the mistake under test
    assert "canary" not in str(raised.value)


def test_a_mock_shows_no_token_and_is_not_pickled() -> None:
    for client in (MockClient({"openai": "sk-canary"}), MockAsyncClient({"openai": "sk-canary"})):
        assert "canary" not in repr(client)
        assert "canary" not in repr(client.connections)
        with pytest.raises(vendo.ValidationError, match="cannot be pickled"):
            pickle.dumps(client)


def test_mocks_are_context_managers_as_the_real_clients_are() -> None:
    async def use() -> str:
        async with MockAsyncClient({"openai": "sk-given"}) as client:
            return await client.token("openai")

    with MockClient({"openai": "sk-given"}) as client:
        takes_a_real_one: vendo.Vendo = client  # for the type checker
        assert takes_a_real_one.token("openai") == asyncio.run(use())


def test_connect_url_of_a_mock_follows_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_BASE_URL", "https://elsewhere.example")
    url = MockClient().connect_url("gmail")
    assert url.startswith("https://vendo.run/connections/connect/gmail?app_key=vendo_sk_mock")


def test_a_fake_connection_looks_like_a_listed_one() -> None:
    row = fake_connection("Gmail", context={"ref": "x"})

    assert row == fake_connection("gmail", context={"ref": "x"})
    assert (row.slug, row.status, row.display_name) == ("gmail", "connected", "Gmail")
    assert row.is_connected
    assert row.context == {"ref": "x"}
    assert row.id != fake_connection("slack").id
    assert fake_connection("mytool", "available").connected_at is None
    assert fake_connection("mytool").category == "other"
    with pytest.raises(TypeError):
        fake_connection("gmail", colour="red")
