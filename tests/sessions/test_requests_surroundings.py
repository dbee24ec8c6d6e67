"""The requests session with proxies, netrc, adapters, hooks, copies and pools."""

from __future__ import annotations

import copy
import gc
import os
import pickle
import subprocess
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import requests
import responses
from requests.adapters import BaseAdapter, HTTPAdapter

import vendo
from sessions.foreign import Foreign, Reply
from support.internet import internet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from vendo.testing import LocalVendo

PROFILE = "gmail/v1/users/me/profile"


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "netrc"
    hosts = ("127.0.0.1", "localhost")
    file.write_text("".join(f"machine {host} login me password wrong\n" for host in hosts))
    monkeypatch.setenv("NETRC", str(file))


@pytest.mark.usefixtures("netrc")
@pytest.mark.parametrize("slug", ["anthropic", "gmail", "telegram"])
def test_netrc_entry_is_ignored(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign, slug: str
) -> None:
    session = client.session(slug)
    base = server.provider_url(slug)

    assert session.get("x").status_code == 200
    server.expire(slug)
    assert session.get("redirect", params={"to": f"{base}/x"}).status_code == 200
    assert session.get("redirect", params={"to": f"{foreign.url}/x"}).status_code == 200
    assert foreign.seen[0].headers["Authorization"] is None


@pytest.mark.usefixtures("netrc")
def test_callers_own_header_wins_over_netrc(client: vendo.Vendo, server: LocalVendo) -> None:
    own = {"Authorization": f"Bearer {server.token('gmail')}"}

    assert client.session("gmail").get("x", headers=own).status_code == 200


def test_proxies_and_authorities_of_the_environment_are_used(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for slug in ("gmail", "telegram"):
        monkeypatch.delenv(f"{slug.upper()}_BASE_URL")
    with internet(server) as net, vendo.Vendo() as client:
        for name, value in net.environment.items():
            monkeypatch.setenv(name, value)

        response = client.session("gmail").get("https://gmail.googleapis.com/" + PROFILE)
        assert response.json()["emailAddress"]
        assert client.session("telegram").get("getMe").json()["ok"]
        server.expire("telegram")
        assert client.session("telegram").post("echo", data=b"x").json()["length"] == 1
        to = "https://gmail.googleapis.com/echo"
        assert client.session("gmail").get("redirect", params={"to": to}).json()["length"] == 0


def test_plain_http_to_loopback_uses_no_proxy_of_the_environment(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", foreign.url)
    session = client.session("gmail")

    assert session.get("x").status_code == 200
    to = f"{server.provider_url('gmail')}/y"
    assert session.get("redirect", params={"to": to}).status_code == 200
    assert not foreign.seen


@pytest.mark.parametrize("slug", ["gmail", "telegram"])
def test_callers_own_proxy_is_used(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign, slug: str
) -> None:
    client.session(slug).get("x", proxies={"http": foreign.url})
    session = client.session(slug)
    session.proxies["http"] = foreign.url
    session.get("y")

    targets = [seen.path.replace(f"/bot{server.token('telegram')}", "") for seen in foreign.seen]
    assert targets == [f"{server.provider_url(slug)}/{name}" for name in ("x", "y")]
    assert (targets[0] != foreign.seen[0].path) == (slug == "telegram")


def test_a_socks_proxy_fails_as_in_requests(client: vendo.Vendo, server: LocalVendo) -> None:
    with pytest.raises(requests.RequestException):
        client.session("telegram").get("getMe", proxies={"http": "socks5://127.0.0.1:9"})
    assert server.count("provider") == 0


# Time-outs


def test_default_time_out_is_the_clients(server: LocalVendo) -> None:
    vendo.token("gmail")
    session = vendo.Vendo(timeout=0.2).session("gmail")
    session.get("x", timeout=10)
    with server.hold("provider"), pytest.raises(requests.Timeout):
        session.get("x")


def test_time_out_of_the_session_can_be_set(client: vendo.Vendo, server: LocalVendo) -> None:
    session = client.session("gmail")
    session.timeout = 0.2  # type: ignore[attr-defined]  # a VendoSession
    session.get("x", timeout=10)
    with server.hold("provider"), pytest.raises(requests.Timeout):
        session.post("x")


@pytest.mark.parametrize("own", [{"timeout": None}, {"timeout": 30}])
def test_callers_own_time_out_wins(server: LocalVendo, own: dict[str, Any]) -> None:
    vendo.token("gmail")
    client = vendo.Vendo(timeout=0.2, credentials_url=server.credentials_url)
    session: Any = client.session("gmail")
    server.fail("provider", latency=0.5, times=2)

    assert session.get("x", **own).status_code == 200
    positional: Any = [None] * 6
    assert session.request("GET", "x", *positional, own["timeout"]).status_code == 200


# The caller's adapters, patches and hooks


@responses.activate
def test_responses_sees_the_token_and_responds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "old")
    seen = []

    def reply(request: requests.PreparedRequest) -> tuple[int, dict[str, str], str]:
        seen.append(request.headers["Authorization"])
        monkeypatch.setenv("OPENAI_API_KEY", "new")
        return (200 if seen[-1] == "Bearer new" else 401), {}, "{}"

    responses.add_callback(responses.GET, "https://api.openai.com/v1/models", reply)

    response = vendo.Vendo().session("openai").get("models")

    assert response.status_code == 200
    assert seen == ["Bearer old", "Bearer new"]
    assert [step.status_code for step in response.history] == [401]


@responses.activate
def test_responses_sees_no_token_in_a_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "1:secret")
    responses.add(responses.GET, "https://api.telegram.org/getMe", json={"ok": True})

    response = vendo.Vendo().session("telegram").get("getMe")

    assert response.json() == {"ok": True}
    assert "secret" not in str(response.url)


class CountingAdapter(HTTPAdapter):
    def __init__(self) -> None:
        super().__init__()
        self.sent: list[str] = []
        self.closed = False

    def send(self, request: requests.PreparedRequest, *args: Any, **kwargs: Any) -> Any:
        self.sent.append(request.path_url)
        return super().send(request, *args, **kwargs)

    def close(self) -> None:
        self.closed = True
        super().close()


@pytest.mark.parametrize("slug", ["anthropic", "gmail"])
def test_a_mounted_adapter_sends_both_tries(
    client: vendo.Vendo, server: LocalVendo, slug: str
) -> None:
    adapter = CountingAdapter()
    with client.session(slug) as session:
        session.mount(server.url, adapter)
        session.get("x")
        server.expire(slug)
        assert session.get("x").status_code == 200
    assert len(adapter.sent) == 3
    assert adapter.closed


@pytest.mark.parametrize("slug", ["anthropic", "gmail"])
def test_auth_works_in_the_callers_own_session(
    client: vendo.Vendo, server: LocalVendo, slug: str
) -> None:
    url = f"{server.provider_url(slug)}/echo"
    with requests.Session() as session:
        session.auth = client.auth(slug)
        assert session.get(url).status_code == 200
        server.expire(slug)
        response = session.post(url, data=b"body")
        assert response.json()["length"] == 4
        assert response.url == url
        assert requests.get(url, auth=client.auth(slug), timeout=10).status_code == 200


def raises_because_of_its_path(call: Callable[[], object]) -> None:
    with pytest.raises(vendo.ValidationError, match="into the path of the URL") as caught:
        call()
    assert "Use session('telegram')" in str(caught.value)


def test_auth_puts_no_token_into_a_path_that_an_adapter_would_log(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    url = f"{server.provider_url('telegram')}/getMe"
    with requests.Session() as session:
        session.auth = client.auth("telegram")
        raises_because_of_its_path(lambda: session.get(url))
        raises_because_of_its_path(lambda: pickle.loads(pickle.dumps(session)).get(url))
    assert not server.requests

    own = f"{server.provider_url('telegram')}/bot{server.token('telegram')}/getMe"
    assert requests.get(own, auth=client.auth("telegram"), timeout=10).status_code == 200


def test_mounted_adapter_gets_no_token_in_a_path(client: vendo.Vendo, server: LocalVendo) -> None:
    adapter = CountingAdapter()
    with client.session("telegram") as session:
        session.mount(server.provider_url("telegram"), adapter)
        raises_because_of_its_path(lambda: session.get("getMe"))
    assert not adapter.sent
    assert server.count("provider") == 0


def test_redirect_to_a_mounted_adapter_has_no_token_in_the_path(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    adapter = CountingAdapter()
    base = server.provider_url("telegram")
    server.fail("provider", redirect=f"{base}/elsewhere")
    with client.session("telegram") as session:
        session.mount(f"{base}/elsewhere", adapter)
        raises_because_of_its_path(lambda: session.get("getMe"))
    assert not adapter.sent
    assert server.count("provider") == 1


def test_fake_adapter_sees_no_token_in_a_path(client: vendo.Vendo, server: LocalVendo) -> None:
    seen: list[str | None] = []

    class FakeAdapter(BaseAdapter):
        def send(self, request: Any, *_: Any, **__: Any) -> requests.Response:
            seen.extend([request.url, request.path_url])
            response = requests.Response()
            response.status_code = 200
            response.request = request
            return response

        def close(self) -> None:
            """Nothing to close."""

    with client.session("telegram") as session:
        session.mount(server.url, FakeAdapter())
        assert session.get("getMe").status_code == 200
    url = f"{server.provider_url('telegram')}/getMe"
    assert seen == [url, url.removeprefix(server.url)]


def test_callers_hooks_get_the_last_response(client: vendo.Vendo, server: LocalVendo) -> None:
    seen: list[int] = []

    def note(response: requests.Response, *_: Any, **__: Any) -> None:
        seen.append(response.status_code)

    session = client.session("gmail")
    session.hooks["response"].append(note)
    session.get("x")
    server.expire("gmail")
    session.get("x", hooks={"response": note})

    assert seen == [200, 200]  # one of the session, one of the request


def test_parameters_cookies_and_headers_of_the_session_are_sent(client: vendo.Vendo) -> None:
    session = client.session("gmail")
    session.params = {"a": "1"}
    session.headers["X-Mine"] = "2"

    received = session.get("x", params={"b": "2"}).json()

    assert received["query"] == {"a": "1", "b": "2"}
    assert received["headers"]["x-mine"] == "2"


# Copies


def pickled(session: requests.Session) -> requests.Session:
    again: requests.Session = pickle.loads(pickle.dumps(session))
    return again


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, pickled])
@pytest.mark.parametrize("slug", ["anthropic", "telegram"])
def test_copy_works_and_renews_after_a_401(
    client: vendo.Vendo,
    server: LocalVendo,
    foreign: Foreign,
    copied: Callable[[requests.Session], requests.Session],
    slug: str,
) -> None:
    session = client.session(slug, hosts=["localhost"])
    session.headers["X-Mine"] = "1"
    session.get("x")

    again = copied(session)
    server.expire(slug)
    response = again.get("x")

    assert response.status_code == 200
    assert response.history
    assert response.json()["headers"]["x-mine"] == "1"
    assert again.timeout == client.timeout  # type: ignore[attr-defined]  # a VendoSession
    assert again.get(f"http://localhost:{foreign.port}/x").status_code == 200
    with pytest.raises(vendo.ValidationError):
        again.get("https://example.org/")


def test_copy_keeps_mounted_adapters(client: vendo.Vendo, server: LocalVendo) -> None:
    session = client.session("gmail")
    session.mount(server.url, HTTPAdapter(max_retries=7))

    again = pickled(session)

    adapter: Any = again.get_adapter(server.url)
    assert adapter.max_retries.total == 7
    assert list(again.adapters) == list(session.adapters)
    assert copy.copy(session).get_adapter("https://x") is session.get_adapter("https://x")


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_has_neither_token_nor_key(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    monkeypatch.delenv("VENDO_API_KEY")
    client = server.client()
    session = client.session("gmail")
    response = session.get("x")

    for thing in (session, session.auth, client.auth("gmail"), response, response.request):
        text = pickle.dumps(thing, protocol)
        assert server.token("gmail").encode() not in text
        assert server.api_key.encode() not in text
        pickle.loads(text)
    with pytest.raises(vendo.AuthError, match="pickle"):
        pickled(session).get("x")


def test_a_session_for_a_user_is_not_pickled(client: vendo.Vendo) -> None:
    session = client.for_user("a.b.c").session("gmail")

    with pytest.raises(vendo.ValidationError, match="JWT"):
        pickle.dumps(session)
    assert copy.deepcopy(session).get("x").json()["user"]


def test_response_survives_a_pickle_without_its_client(client: vendo.Vendo) -> None:
    response = client.for_user("a.b.c").session("gmail").get("x")

    again = pickle.loads(pickle.dumps(response))

    assert again.json() == response.json()
    assert again.request.headers["Authorization"] == "***"
    [hook] = again.request.hooks["response"]
    assert hook(again, timeout=1) is again
    assert copy.deepcopy(response.request).hooks == response.request.hooks


# Connections


def test_sessions_of_one_client_share_its_connections(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    client.token("gmail")
    opened = server.connections_opened
    for scoped in (client, client.for_user("a.b.c"), client.for_user("d.e.f")):
        with scoped.session("gmail") as session:
            assert session.get("x").ok

    assert server.connections_opened == opened + 1


def test_closing_the_client_closes_the_connections_and_not_the_session(
    server: LocalVendo,
) -> None:
    client = vendo.Vendo()
    session = client.session("gmail")
    adapter: Any = session.get_adapter("http://x")
    session.get("x")
    client.for_user("a.b.c").close()
    assert len(adapter.poolmanager.pools) == 1

    client.close()

    assert len(adapter.poolmanager.pools) == 0
    assert session.get("x").ok
    client.close()


def test_two_clients_do_not_share_connections(client: vendo.Vendo) -> None:
    other = vendo.Vendo()

    assert client.session("gmail").adapters != other.session("gmail").adapters
    other.close()


def test_collected_client_closes_its_connections(server: LocalVendo) -> None:
    from vendo._sessions import requests_adapter

    client = vendo.Vendo()
    session = client.session("gmail")
    session.get("x")
    assert client in requests_adapter._adapters

    dropped = weakref.ref(client)
    del client, session
    gc.collect()

    assert dropped() is None


def test_threads_can_share_a_session(client: vendo.Vendo, server: LocalVendo) -> None:
    session = client.session("gmail")

    def send(number: int) -> bool:
        if number % 7 == 0:
            server.expire("gmail")
        return session.post("echo", data=str(number)).status_code in {200, 401}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(send, range(100)))
    assert session.get("x").status_code == 200


FORKED = """
import os, vendo, warnings
warnings.simplefilter("ignore", DeprecationWarning)
session = vendo.session("gmail")
assert session.get("x").ok
adapter = session.get_adapter("http://x")
def opened():
    [pool] = adapter.poolmanager.pools._container.values()
    return pool.num_connections

before = opened()
pid = os.fork()
if pid == 0:
    ok = len(adapter.poolmanager.pools) == 0 and session.get("child").ok and opened() == 1
    os._exit(0 if ok else 1)
assert os.waitpid(pid, 0)[1] == 0
assert session.get("x").ok
assert opened() == before
"""


def test_forked_child_opens_its_own_connections(server: LocalVendo) -> None:
    done = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", FORKED],
        env=dict(os.environ),
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_repr_names_the_provider(client: vendo.Vendo) -> None:
    assert repr(client.session("GMAIL")) == "<VendoSession 'gmail'>"
    assert repr(client.auth("gmail")) == "<VendoAuth 'gmail'>"


def test_responses_can_be_streamed(client: vendo.Vendo, foreign: Foreign) -> None:
    foreign.replies["/x"] = Reply(200, {}, b"a\nb\n")
    session = client.session("gmail", hosts=["127.0.0.1"])

    with session.get(f"{foreign.url}/x", stream=True) as response:
        assert list(response.iter_lines()) == [b"a", b"b"]
