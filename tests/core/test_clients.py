"""A client as an object: settings, pickles, copies and closing."""

from __future__ import annotations

import copy
import pickle
import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from vendo import AuthError, RetryPolicy, ValidationError, Vendo
from vendo._config.settings import MAX_TIMEOUT

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

KEY = "vendo_sk_" + "k" * 32


def test_a_client_is_a_context_manager_that_closes_the_connections(server: LocalVendo) -> None:
    with server.client() as client:
        client.token("gmail")
        assert client.token("slack")
        assert "1 kept" in repr(client._opened_transport())
    assert "0 kept" in repr(client._opened_transport())


def test_a_closed_client_can_be_used_again(server: LocalVendo) -> None:
    client = server.client()
    client.close()
    client.token("gmail")
    client.close()
    client.close()
    assert client.token("slack") == server.token("slack")
    assert server.connections_opened == 2


def test_connections_are_kept_from_call_to_call(server: LocalVendo) -> None:
    with server.client() as client:
        for slug in ("gmail", "slack", "openai"):
            client.token(slug)
        client.connections.list()
    assert server.connections_opened == 1


def test_given_transport_is_used_and_closed(server: LocalVendo) -> None:
    class Recording:
        def __init__(self) -> None:
            self.inner = server.client()._opened_transport()
            self.urls: list[str] = []
            self.closed = 0

        def send(self, request: Any) -> Any:
            self.urls.append(request.url)
            return self.inner.send(request)

        def close(self) -> None:
            self.closed += 1
            self.inner.close()

    transport = Recording()
    with server.client(transport=transport) as client:
        client.for_user("one.jwt.x").token("gmail")
    assert transport.urls == [f"{server.credentials_url}/gmail"]
    assert transport.closed == 1


def test_concurrent_first_calls_open_one_transport(server: LocalVendo) -> None:
    client = server.client()
    barrier = threading.Barrier(8)
    opened = set()

    def open_it() -> None:
        barrier.wait()
        opened.add(id(client._opened_transport()))

    threads = [threading.Thread(target=open_it) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1


def test_a_copy_is_the_client_itself(server: LocalVendo) -> None:
    client = server.client()
    scoped = client.for_user("one.jwt.x")
    for each in (client, scoped):
        assert copy.copy(each) is each
        assert copy.deepcopy(each) is each
    assert copy.deepcopy({"client": client})["client"].token("gmail") == server.token("gmail")


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_has_the_settings_and_not_the_key(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    client = server.client(timeout=7, retry=RetryPolicy(2), api_version="2027-01-01")
    client.token("gmail")
    pickled = pickle.dumps(client, protocol)
    assert server.api_key.encode() not in pickled
    assert server.token("gmail").encode() not in pickled

    monkeypatch.setenv("VENDO_API_KEY", server.api_key)
    other = pickle.loads(pickled)
    assert other.timeout == 7.0
    assert other._settings.retry == RetryPolicy(2)
    assert other.token("slack") == server.token("slack")
    assert server.requests[-1].headers["vendo-api-version"] == "2027-01-01"
    assert pickle.loads(pickle.dumps(other)).token("slack") == server.token("slack")


def test_unpickled_client_without_its_key_raises_and_does_not_use_oss_mode(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-local")
    client = pickle.loads(pickle.dumps(Vendo(KEY)))
    client = pickle.loads(pickle.dumps(client))
    assert client.is_vendo_mode()
    for call in (client.token, client.connect_url):
        with pytest.raises(AuthError, match="a pickle, which never contains the API key") as caught:
            call("openai")
        assert "Set VENDO_API_KEY" in (caught.value.suggested_fix or "")


@pytest.mark.parametrize("key", [None, "byok"])
def test_pickled_client_in_oss_mode_stays_in_oss_mode(
    key: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-local")
    client = pickle.loads(pickle.dumps(Vendo(key)))
    assert client.token("openai") == "sk-local"
    monkeypatch.setenv("VENDO_API_KEY", KEY)
    assert client.is_vendo_mode() is (key is None)


def test_a_client_for_a_user_is_not_pickled() -> None:
    with pytest.raises(ValidationError, match="cannot be pickled") as caught:
        pickle.dumps(Vendo(KEY).for_user("canary.jwt.x"))
    assert "canary" not in str(caught.value)


def test_given_transport_is_pickled_with_the_client(server: LocalVendo) -> None:
    client = pickle.loads(pickle.dumps(server.client(transport=PicklableTransport())))
    assert isinstance(client._transport, PicklableTransport)


class PicklableTransport:
    def send(self, request: Any) -> Any:
        raise AssertionError("it is only pickled")

    def close(self) -> None:
        pass


def test_repr_shows_the_mode_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert repr(Vendo()) == "<Vendo, OSS mode>"
    assert repr(Vendo(KEY)) == "<Vendo, Vendo mode>"
    assert repr(Vendo(KEY).for_user("a.b.c")) == "<Vendo, Vendo mode, for a user>"
    assert repr(Vendo(KEY).billing) == "<BillingAPI of <Vendo, Vendo mode>>"
    monkeypatch.setenv("VENDO_API_KEY", "malformed key")
    assert repr(Vendo()) == "<Vendo, Vendo mode>"


@pytest.mark.parametrize(
    "timeout", [0, -1, float("nan"), float("inf"), 10**400, MAX_TIMEOUT + 1, "30", None, True]
)
def test_invalid_time_out_is_an_error(timeout: Any) -> None:
    with pytest.raises(ValidationError, match="timeout= must be") as caught:
        Vendo(timeout=timeout)
    assert len(str(caught.value)) < 200


def test_the_longest_time_out_works(server: LocalVendo) -> None:
    with server.client(timeout=MAX_TIMEOUT) as client:
        assert client.token("gmail") == server.token("gmail")


def test_time_out_covers_the_whole_call(server: LocalVendo) -> None:
    with (
        server.client(timeout=0.2) as client,
        server.hold("credentials"),
        pytest.raises(TimeoutError) as caught,
    ):
        client.token("gmail")
    assert isinstance(caught.value, vendo.UpstreamTimeout)
    assert caught.value.code == "upstream_error"


@pytest.mark.parametrize("version", ["", " ", "a\nb", "2026é", 20260502, None])
def test_invalid_api_version_is_an_error(version: Any) -> None:
    with pytest.raises(ValidationError, match="api_version="):
        Vendo(api_version=version)


def test_retry_that_is_not_a_policy_is_an_error() -> None:
    with pytest.raises(ValidationError, match="retry= must be a RetryPolicy") as caught:
        Vendo(retry=3)  # type: ignore[arg-type]  # the point
    assert "vendo.RetryPolicy(attempts=3)" in (caught.value.suggested_fix or "")


@pytest.mark.parametrize("transport", ["aiohttp", object(), SimpleNamespace(send="to them")])
def test_transport_that_cannot_send_is_an_error(transport: Any) -> None:
    with pytest.raises(ValidationError, match="transport= must have send"):
        Vendo(KEY, transport=transport)


@pytest.mark.parametrize("argument", ["base_url", "credentials_url", "data_proxy_url"])
@pytest.mark.parametrize(
    "url",
    [
        "http://vendo.example",
        "ftp://vendo.example",
        "vendo.run",
        "https://",
        "https://u:canary@x.y",
    ],
)
def test_unsafe_address_is_an_immediate_error(argument: str, url: str) -> None:
    with pytest.raises(ValidationError, match=f"The address in {argument}=") as caught:
        Vendo(**{argument: url})  # type: ignore[arg-type]  # each is an address
    assert "canary" not in str(caught.value)


def test_address_that_is_not_a_string_is_an_error() -> None:
    with pytest.raises(ValidationError, match="base_url= must be an address"):
        Vendo(base_url=5)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("blank", ["", "  "])
def test_blank_address_is_ignored(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch, blank: str
) -> None:
    monkeypatch.setenv("VENDO_CREDENTIALS_URL", server.credentials_url + "/")
    monkeypatch.setenv("VENDO_BASE_URL", blank)
    monkeypatch.setenv("VENDO_API_URL", server.url + "/api")
    client = Vendo(server.api_key, blank, credentials_url=blank)
    assert client.token("gmail") == server.token("gmail")
    assert client.billing.balance().currency == "USD"


def test_default_addresses_are_the_platforms() -> None:
    settings = Vendo(KEY)._settings
    assert settings.base_url() == "https://vendo.run"
    assert settings.scope() == ("https://credentials.vendo.run", KEY)
    assert settings.data_proxy_url() == "https://composio-proxy.vendo.run"


def test_malformed_address_in_the_environment_names_its_variable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDO_CREDENTIALS_URL", "http://vendo.example")
    with pytest.raises(ValidationError, match="The address in VENDO_CREDENTIALS_URL is plain http"):
        Vendo(KEY).token("gmail")


def test_module_works_after_the_environment_is_fixed(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "two words")
    with pytest.raises(AuthError):
        vendo.token("gmail")
    monkeypatch.setenv("VENDO_API_KEY", vendo_mode.api_key)
    assert vendo.token("gmail") == vendo_mode.token("gmail")
