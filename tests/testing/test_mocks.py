"""The mock clients: the signatures of the real ones, and canned values."""

from __future__ import annotations

import asyncio
import inspect
import pickle
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest

import vendo
from vendo import AsyncVendo, NeedsReauth, NotConnected, UpstreamError, Vendo, VendoOnlyFeature
from vendo._client.apis import ConnectionsAPI
from vendo.testing import LocalVendo, MockAsyncClient, MockClient, fake_connection

SUB_APIS = ("billing", "connections", "data", "events", "integrations", "webhooks")


def _surface(cls: type) -> dict[str, inspect.Signature]:
    methods = inspect.getmembers(cls, inspect.isfunction)
    return {name: inspect.signature(method) for name, method in methods if name[0] != "_"}


def _parameters(signature: inspect.Signature) -> list[tuple[str, object, object]]:
    return [(p.name, p.kind, p.default) for p in signature.parameters.values()]


@pytest.mark.parametrize(("mock", "real"), [(MockClient, Vendo), (MockAsyncClient, AsyncVendo)])
def test_mock_has_the_signatures_of_the_real_client(
    mock: type[MockClient] | type[MockAsyncClient], real: type
) -> None:
    assert issubclass(mock, real)
    ours, theirs = _surface(mock), _surface(real)
    assert ours.keys() == theirs.keys()
    for name, signature in theirs.items():
        assert _parameters(ours[name]) == _parameters(signature), name


@pytest.mark.parametrize("api", SUB_APIS)
def test_mock_sub_api_has_the_signatures_of_the_real_one(api: str) -> None:
    for mock, real in ((MockClient(), Vendo("byok")), (MockAsyncClient(), AsyncVendo("k" * 40))):
        ours, theirs = _surface(type(getattr(mock, api))), _surface(type(getattr(real, api)))
        assert ours.keys() == theirs.keys()
        for name, signature in theirs.items():
            assert _parameters(ours[name]) == _parameters(signature), name


def test_mock_sub_api_overrides_every_method_that_sends_requests() -> None:
    for mock in (MockClient(), MockAsyncClient()):
        for api in ("billing", "connections", "data", "events", "integrations"):
            cls = type(getattr(mock, api))
            inherited = set(_surface(cls)) - set(vars(cls))
            assert inherited <= {"env_vars"}, api  # from the bundled catalog


def test_real_sub_api_of_a_mock_sends_nothing() -> None:
    client = MockClient()

    with pytest.raises(UpstreamError, match="does not send requests"):
        ConnectionsAPI(client).list()


class Invoker:
    """`invoke("billing.usage", "day", balance=1)`: call a method of a new mock, or await it."""

    def __init__(
        self, mock: type[MockClient] | type[MockAsyncClient], runner: asyncio.Runner
    ) -> None:
        self.mock: Any = mock
        self._runner = runner

    def __call__(self, call: str, *args: Any, client: Any = None, **given: Any) -> Any:
        target = client or self.mock(**given)
        for name in call.split("."):
            target = getattr(target, name)
        response = target(*args)
        return self._runner.run(_awaited(response)) if inspect.isawaitable(response) else response


async def _awaited(response: Awaitable[Any]) -> Any:
    return await response


@pytest.fixture(params=[MockClient, MockAsyncClient])
def invoke(request: pytest.FixtureRequest) -> Iterator[Invoker]:
    with asyncio.Runner() as runner:
        yield Invoker(request.param, runner)


def test_mock_tokens_ignore_the_environment(
    invoke: Invoker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-of-the-environment")
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-of-the-environment")
    given = {"openai": "sk-given", "Notion": "n-given", "gmail": NeedsReauth("x", "y")}

    assert invoke("token", "OpenAI", tokens=given) == "sk-given"
    assert invoke("tokens", ["openai", "NOTION", "slack", "gmail"], tokens=given) == {
        "openai": "sk-given",
        "NOTION": "n-given",
        "slack": None,
        "gmail": None,
    }


def test_missing_token_raises_the_error_of_the_backend(invoke: Invoker) -> None:
    with LocalVendo() as server, pytest.raises(NotConnected) as real:
        server.client().token("slack")

    with pytest.raises(NotConnected, match="has no token for 'slack'") as mocked:
        invoke("token", "slack")

    assert mocked.value.suggested_fix == 'MockClient({"slack": "a-token"})'
    for attribute in ("code", "slug", "status"):
        assert getattr(mocked.value, attribute) == getattr(real.value, attribute)


def test_canned_error_is_raised_as_a_copy(invoke: Invoker) -> None:
    error = NeedsReauth("connection_needs_reauth", "Authorize again.", slug="gmail")
    client = invoke.mock(
        {"gmail": error},
        balance=UpstreamError("upstream_error", "down"),
        spend_caps=UpstreamError("upstream_error", "down"),
        actions={"GMAIL_SEND": error},
    )

    for call, *args in (("token", "gmail"), ("data.execute", "GMAIL_SEND")):
        with pytest.raises(NeedsReauth) as raised:
            invoke(call, *args, client=client)
        assert raised.value is not error
        assert raised.value.slug == "gmail"
    for call in ("billing.balance", "billing.spend_caps"):
        with pytest.raises(UpstreamError, match="down"):
            invoke(call, client=client)


def test_mock_returns_canned_values(invoke: Invoker) -> None:
    row = fake_connection("gmail", "needs_reauth")
    integration = vendo.Integration("notion", name="Notion")
    client = invoke.mock(
        connections=["slack", row, "gmail"],
        integrations=[integration],
        balance=7,
        spend_caps=vendo.SpendCaps(1, 2, 3, 4),
        usage={"total_micros": 5},
        actions={"A": {"id": 1}, "B": lambda args: args["n"] + 1},
    )

    assert invoke("connections.list", client=client)[1] is row
    assert invoke("connections.get", "GMAIL", client=client).status == "connected"
    assert invoke("connections.get", "notion", client=client) is None
    assert invoke("connections.connected_slugs", client=client) == ["slack", "gmail"]
    assert invoke("integrations.list", client=client) == [integration]
    assert invoke("integrations.get", "notion", client=client) is integration
    assert invoke("integrations.get", "gmail", client=client) is None
    notion = invoke("integrations.env_vars", "notion", client=client)
    assert notion == ["NOTION_TOKEN", "NOTION_API_TOKEN"]
    assert invoke("billing.balance", client=client).credits_remaining_micros == 7
    assert invoke("billing.spend_caps", client=client) == vendo.SpendCaps(1, 2, 3, 4)
    assert invoke("billing.usage", "day", client=client) == {"total_micros": 5}
    assert invoke("data.execute", "A", client=client) == {"id": 1}
    assert invoke("data.execute", "B", {"n": 1}, client=client) == 2
    with pytest.raises(UpstreamError, match="no result for the action 'C'"):
        invoke("data.execute", "C", client=client)


def test_mock_has_default_values(invoke: Invoker) -> None:
    tokens = {"openai": "sk-given", "gmail": NeedsReauth("x", "y")}

    assert invoke("connections.connected_slugs", tokens=tokens) == ["openai"]
    assert {row.slug for row in invoke("integrations.list")} >= {"openai", "gmail", "slack"}
    assert invoke("billing.balance").credits_remaining == 5
    assert invoke("billing.balance", balance=vendo.Balance(1, "USD")) == vendo.Balance(1, "USD")
    assert invoke("billing.spend_caps") == vendo.SpendCaps(None, None, 0, 0)
    assert invoke("billing.usage") == {}


@pytest.mark.parametrize(
    ("credential", "token"),
    [
        ({"access_token": "a", "bot_token": "b", "api_key": "c", "other": "d"}, "a"),
        ({"other": "d", "api_key": "c", "bot_token": "b"}, "b"),
        ({"other": "d", "api_key": "c"}, "c"),
        ({"expires_in": 60, "other": "d", "more": "e"}, "d"),
        ({"access_token": None, "api_key": "", "other": "d"}, "d"),
    ],
)
def test_token_of_a_connection_is_from_its_credential(
    invoke: Invoker, credential: dict[str, Any], token: str
) -> None:
    row = fake_connection("gmail", credential=credential)
    client = invoke.mock.with_connections([row, "slack"])

    assert invoke("connections.list", client=client) == [row, fake_connection("slack")]
    assert invoke("token", "Gmail", client=client) == token
    assert invoke("tokens", ["gmail", "slack"], client=client) == {"gmail": token, "slack": None}


def test_with_connections_takes_the_arguments_of_the_client(invoke: Invoker) -> None:
    row = fake_connection("gmail", credential={"access_token": "a"})
    client = invoke.mock.with_connections([row], tokens={"gmail": "b"}, balance=7)

    assert type(client) is invoke.mock
    assert invoke("token", "gmail", client=client) == "b"
    assert invoke("billing.balance", client=client).credits_remaining_micros == 7


@pytest.mark.parametrize("credential", [None, {}, {"expires_in": 60}])
def test_connection_without_a_credential_has_no_token(
    invoke: Invoker, credential: dict[str, Any] | None
) -> None:
    client = invoke.mock.with_connections([fake_connection("gmail", credential=credential)])

    with pytest.raises(NotConnected, match="has no token for 'gmail'"):
        invoke("token", "gmail", client=client)


def test_only_a_connected_row_has_a_token(invoke: Invoker) -> None:
    def row(slug: str, status: str) -> vendo.Connection:
        return fake_connection(slug, status, credential={"api_key": f"{slug}-{status}"})

    statuses = [
        ("notion", "available"),
        ("gmail", "needs_reauth"),
        ("slack", "needs_reauth"),
        ("slack", "connected"),
    ]
    client = invoke.mock.with_connections([row(*each) for each in statuses])

    with pytest.raises(NotConnected):
        invoke("token", "notion", client=client)
    with (
        LocalVendo({"gmail": {"status": "needs_reauth"}}) as server,
        pytest.raises(NeedsReauth) as real,
    ):
        server.client().token("gmail")
    with pytest.raises(NeedsReauth) as mocked:
        invoke("token", "gmail", client=client)
    for attribute in ("code", "slug", "status"):
        assert getattr(mocked.value, attribute) == getattr(real.value, attribute)
    assert invoke("token", "slack", client=client) == "slack-connected"


def test_mock_records_calls_without_jwt(invoke: Invoker) -> None:
    client = invoke.mock({"openai": "sk-given"})
    user = client.for_user("a.user.jwt")

    invoke("token", "OpenAI", client=client)
    invoke("tokens", ["openai", "slack"], client=user)
    invoke("connections.get", "slack", client=client)
    invoke("billing.usage", client=client)
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


def test_mock_in_oss_mode_raises_vendo_only_feature(invoke: Invoker) -> None:
    client = invoke.mock({"openai": "sk-given"}, vendo_mode=False)

    assert not client.is_vendo_mode()
    assert invoke("token", "openai", client=client) == "sk-given"
    assert invoke("connections.connected_slugs", client=client) == ["openai"]
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
            invoke(call, *args, client=client)


def test_mock_validates_slugs_like_the_real_client(
    invoke: Invoker,
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
            invoke(call, argument)
    with pytest.raises(vendo.ValidationError):
        MockClient({"no slug": "x"})


def test_token_of_wrong_type_raises_without_its_value() -> None:
    with pytest.raises(TypeError, match="'openai' must be a str, not bytes") as raised:
        MockClient({"openai": b"sk-canary"})  # type: ignore[dict-item]  # the mistake under test
    assert "canary" not in str(raised.value)


def test_mock_has_no_token_in_repr_and_cannot_be_pickled() -> None:
    row = fake_connection("openai", credential={"api_key": "sk-canary"})
    assert "canary" not in repr(row)
    for client in (
        MockClient({"openai": "sk-canary"}),
        MockAsyncClient({"openai": "sk-canary"}),
        MockClient.with_connections([row]),
    ):
        assert "canary" not in repr(client)
        assert "canary" not in repr(client.connections)
        with pytest.raises(vendo.ValidationError, match="cannot be pickled"):
            pickle.dumps(client)


def test_mocks_are_context_managers() -> None:
    async def use() -> str:
        async with MockAsyncClient({"openai": "sk-given"}) as client:
            return await client.token("openai")

    with MockClient({"openai": "sk-given"}) as client:
        takes_a_real_one: vendo.Vendo = client  # for the type checker
        assert takes_a_real_one.token("openai") == asyncio.run(use())


def test_mock_connect_url_ignores_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_BASE_URL", "https://elsewhere.example")
    url = MockClient().connect_url("gmail")
    assert url.startswith("https://vendo.run/connections/connect/gmail?app_key=vendo_sk_mock")


def test_fake_connection_has_the_fields_of_a_row() -> None:
    row = fake_connection("Gmail", context={"ref": "x"})

    assert row == fake_connection("gmail", context={"ref": "x"})
    assert (row.slug, row.status, row.display_name) == ("gmail", "connected", "gmail")
    assert (row.profile, row.category) == ("byok_static", "other")
    assert row.is_connected
    assert row.context == {"ref": "x"}
    assert row.id != fake_connection("slack").id
    assert fake_connection("mytool", "available").connected_at is None
    assert fake_connection("gmail", display_name="Mail", category="mail").category == "mail"
    with pytest.raises(TypeError):
        fake_connection("gmail", colour="red")


def test_wait_returns_the_row_at_once_or_times_out(invoke: Invoker) -> None:
    client: dict[str, Any] = {"connections": ["gmail", fake_connection("notion", "needs_reauth")]}

    assert invoke("connections.wait", "Gmail", **client).slug == "gmail"
    for slug in ("notion", "slack"):
        with pytest.raises(TimeoutError, match=slug):
            invoke("connections.wait", slug, **client)


def test_check_has_a_problem_for_each_missing_token(invoke: Invoker) -> None:
    tokens = {"openai": "sk", "gmail": NotConnected("binding_missing", "gone")}

    assert invoke("check", ["openai"], tokens=tokens) == vendo.Health(True, ())
    problems = invoke("check", ["openai", "gmail", "slack"], tokens=tokens).problems
    assert [problem.split("'")[1] for problem in problems] == ["gmail", "slack"]
