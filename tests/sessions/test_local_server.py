"""With a local server, no request of a session reaches a real provider."""

from __future__ import annotations

import asyncio
import copy
import pickle
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp
import httpx2
import pytest
import requests

import vendo
from sessions.libraries import AUTHS, SESSIONS, WAYS
from vendo import ValidationError
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

PROFILE = "https://gmail.googleapis.com/gmail/v1/users/me/profile"

Send: TypeAlias = Any


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    """Run a server and set its environment, without the base URL of any provider."""
    with LocalVendo(connections=["anthropic", "gmail", "openai", "telegram"]) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


@pytest.fixture(params=WAYS)
def send(request: pytest.FixtureRequest) -> Send:
    return WAYS[request.param]


@pytest.mark.parametrize(
    ("slug", "url", "path"),
    [
        ("gmail", PROFILE, "/gmail/v1/users/me/profile"),
        ("gmail", PROFILE + "?alt=json&q=a%26b", "/gmail/v1/users/me/profile"),
        ("gmail", "https://gmail-proxy.vendo.run/gmail/v1/users/me/profile", None),
        ("openai", "https://api.openai.com/v1/models", "/v1/models"),
        ("openai", "https://API.openai.com:443/v1/models", "/v1/models"),
        ("anthropic", "https://api.anthropic.com/v1/models", "/v1/models"),
    ],
)
def test_absolute_url_of_a_provider_reaches_its_fake_provider(
    server: LocalVendo, send: Send, slug: str, url: str, path: str | None
) -> None:
    sent = send(slug, url, {}, [])

    assert sent.status == 200
    assert sent.url.startswith(server.provider_url(slug) + (path or "/"))
    assert sent.url.partition("?")[2] == url.partition("?")[2]
    [seen] = [seen for seen in server.requests if seen.surface == "provider"]
    assert seen.headers["host"] == server.url.removeprefix("http://")


@pytest.mark.parametrize("way", SESSIONS)
def test_relative_url_reaches_the_fake_provider(server: LocalVendo, way: str) -> None:
    for slug, url in (("openai", "models"), ("gmail", "/gmail/v1/users/me/profile")):
        sent = SESSIONS[way](slug, url, {}, [])

        assert sent.status == 200
        assert sent.url == f"{server.provider_url(slug)}/{url.lstrip('/')}"


@pytest.mark.parametrize("way", SESSIONS)
@pytest.mark.parametrize("url", ["getMe", "https://api.telegram.org/getMe"])
def test_token_in_the_path_reaches_the_fake_provider(
    server: LocalVendo, way: str, url: str
) -> None:
    sent = SESSIONS[way]("telegram", url, {}, [])

    assert sent.status == 200
    assert sent.url == f"{server.provider_url('telegram')}/getMe"


def test_slug_outside_the_catalog_has_a_fake_provider(server: LocalVendo) -> None:
    server.connect("my-tool")
    response = server.client().session("my-tool").get("anything?a=b")

    assert response.json()["query"] == {"a": "b"}
    assert response.url == f"{server.provider_url('my-tool')}/anything?a=b"


def test_client_of_a_server_needs_no_environment() -> None:
    with LocalVendo(connections=["gmail"]) as server, server.client() as client:
        assert client.session("gmail").get(PROFILE).ok
        assert client.session("gmail").get("gmail/v1/users/me/profile").ok
        with httpx2.Client(auth=client.httpx_auth("gmail")) as http:
            assert http.get(PROFILE).is_success

        async def main() -> int:
            async with (
                server.async_client() as client,
                await client.session("gmail") as session,
                session.get(PROFILE) as response,
            ):
                return response.status

        assert asyncio.run(main()) == 200


def test_session_made_before_the_server_uses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    session = vendo.Vendo().session("gmail")
    with LocalVendo(connections=["gmail"]) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        assert session.get(PROFILE).ok
        assert copy.deepcopy(session).get(PROFILE).ok
        assert pickle.loads(pickle.dumps(session)).get(PROFILE).ok


def test_rotated_token_is_renewed(server: LocalVendo, send: Send) -> None:
    vendo.token("gmail")
    server.expire("gmail")

    assert send("gmail", PROFILE, {}, []).status == 200
    assert server.count("provider", "gmail") == 2


@pytest.mark.parametrize("way", ["session", "auth", "aiohttp"])
@pytest.mark.parametrize("own", [{}, {"Authorization": "Bearer own"}], ids=["ours", "own"])
def test_redirect_to_the_provider_stays_at_the_server(
    server: LocalVendo, way: str, own: dict[str, str]
) -> None:
    if own:
        own = {"Authorization": f"Bearer {server.token('gmail')}"}
    for to in (PROFILE, PROFILE.removeprefix("https:")):
        server.fail("provider", redirect=to)
        if to.startswith("//"):  # the local server speaks http
            with pytest.raises(ValidationError, match="plain http"):
                WAYS[way]("gmail", "https://gmail.googleapis.com/redirect", own, [])
            continue
        sent = WAYS[way]("gmail", "https://gmail.googleapis.com/redirect", own, [])

        assert sent.status == 200
        assert sent.url == f"{server.provider_url('gmail')}/gmail/v1/users/me/profile"


@pytest.mark.parametrize(
    ("way", "to"),
    [
        *(
            (way, to)
            for way in WAYS
            for to in ("https://slack.com/api/auth.test", "https://us1.api.mailchimp.com/3.0")
        ),
        *((way, PROFILE) for way in AUTHS if way.startswith("httpx")),  # which cannot change it
    ],
)
def test_redirect_to_a_real_provider_is_not_followed(server: LocalVendo, way: str, to: str) -> None:
    with pytest.raises(ValidationError, match="would reach the real") as caught:
        WAYS[way]("gmail", f"https://gmail.googleapis.com/redirect?to={to}", {}, [])
    assert caught.value.slug == "gmail"


def test_request_that_was_prepared_elsewhere_stays_at_the_server(server: LocalVendo) -> None:
    session = vendo.Vendo().session("gmail")

    response = session.send(requests.Request("GET", PROFILE).prepare())
    assert response.status_code == 401  # it has no token
    assert response.url.startswith(server.url)

    own = ("user", "password")
    server.fail("provider", redirect=PROFILE)
    response = session.get(PROFILE, auth=own)
    assert response.history
    assert response.url.startswith(server.url)


def test_redirect_that_is_not_followed_is_not_an_error(server: LocalVendo) -> None:
    url = f"https://gmail.googleapis.com/redirect?to={PROFILE}"
    with httpx2.Client(auth=vendo.Vendo().httpx_auth("gmail")) as http:
        assert http.get(url).status_code == 302


def test_callers_trace_of_httpx_is_still_called(server: LocalVendo) -> None:
    events: list[str] = []
    with httpx2.Client(auth=vendo.Vendo().httpx_auth("gmail")) as http:
        http.get(PROFILE, extensions={"trace": lambda event, _info: events.append(event)})

    assert "connection.connect_tcp.started" in events

    async def main() -> None:
        async def trace(event: str, _info: Any) -> None:
            events.append(event)

        async with httpx2.AsyncClient(auth=vendo.Vendo().httpx_auth("gmail")) as http:
            await http.get(PROFILE, extensions={"trace": trace})

    events.clear()
    asyncio.run(main())
    assert "connection.connect_tcp.started" in events


def test_hosts_of_the_caller_stay(server: LocalVendo, send: Send) -> None:
    with LocalVendo() as other:
        host = other.url.removeprefix("http://")
        sent = send("gmail", f"{other.url}/providers/gmail/x", {}, [host])

        assert sent.url == f"{other.url}/providers/gmail/x"
        assert sent.status == 401  # of a server that did not issue the token


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://gmail.googleapis.com/x", "plain http"),
        ("https://gmail.googleapis.com:8443/x", "gmail.googleapis.com:8443"),
        ("https://slack.com/api/auth.test", "would reach the real Slack"),
    ],
)
@pytest.mark.parametrize("own", [{}, {"Authorization": "Bearer own"}], ids=["ours", "own"])
def test_url_that_the_token_must_not_go_to_is_an_error(
    server: LocalVendo, send: Send, url: str, problem: str, own: dict[str, str]
) -> None:
    with pytest.raises(ValidationError, match=problem):
        send("gmail", url, own, [])
    assert server.count("provider") == 0


def test_named_host_of_another_provider_is_the_fake_provider(
    server: LocalVendo, send: Send
) -> None:
    sent = send("gmail", "https://sheets.googleapis.com/v4/x", {}, ["sheets.googleapis.com"])

    assert sent.url == f"{server.provider_url('gmail')}/v4/x"


def test_cookies_of_the_fake_provider_come_back(server: LocalVendo) -> None:
    made = requests.Session()
    made.auth = vendo.Vendo().auth("gmail")
    for session in (vendo.Vendo().session("gmail"), made):
        server.clear_requests()
        session.cookies.set("elsewhere", "1", domain="gmail.googleapis.com")
        server.fail("provider", headers={"Set-Cookie": "a=b; Path=/"})
        session.get(PROFILE, timeout=10)
        session.get(PROFILE, timeout=10)

        first, second = (seen.headers.get("cookie") for seen in server.requests[-2:])
        assert first is None
        assert second == "a=b"


def test_websocket_reaches_the_server(server: LocalVendo) -> None:
    async def main() -> None:
        async with vendo.AsyncVendo() as client, await client.session("openai") as session:
            await session.ws_connect("wss://api.openai.com/v1/realtime")

    with pytest.raises(aiohttp.WSServerHandshakeError):  # the fake provider has none
        asyncio.run(main())
    assert server.requests[-1].path == "/providers/openai/v1/realtime"


@pytest.mark.parametrize(
    ("platform", "origin"),
    [
        ("http://localhost:5000", "http://localhost:5000"),
        ("https://127.0.0.1:5000/", "https://127.0.0.1:5000"),
        ("http://[::1]:5000/api", "http://[::1]:5000"),
        ("http://vendo.localhost", "http://vendo.localhost"),
    ],
)
@pytest.mark.parametrize("variable", ["VENDO_BASE_URL", "VENDO_API_URL", None])
def test_platform_on_this_machine_is_a_local_server(
    monkeypatch: pytest.MonkeyPatch, platform: str, origin: str, variable: str | None
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "g")
    session = vendo.Vendo(base_url=None if variable else platform).session("gmail")
    if variable:
        monkeypatch.setenv(variable, platform)
    for url in ("https://gmail.googleapis.com/x?a=b", "x?a=b"):
        prepared = session.prepare_request(requests.Request("GET", url))
        assert prepared.url == f"{origin}/providers/gmail/x?a=b"


def test_platform_elsewhere_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("https://vendo.example", "http://not-loopback.example", "nonsense"):
        monkeypatch.setenv("VENDO_BASE_URL", value)
        request = requests.Request("GET", PROFILE)
        monkeypatch.setenv("VENDO_TOKEN_GMAIL", "g")
        assert vendo.Vendo().session("gmail").prepare_request(request).url == PROFILE


# A slug with a typing error


MAKERS: dict[str, Callable[[str], object]] = {
    "session": lambda slug: vendo.Vendo().session(slug),
    "auth": lambda slug: vendo.Vendo().auth(slug),
    "httpx_auth": lambda slug: vendo.Vendo().httpx_auth(slug),
    "aiohttp": lambda slug: asyncio.run(_async_session(slug)),
}


async def _async_session(slug: str) -> object:
    async with vendo.AsyncVendo("vendo_sk_" + "x" * 32) as client:
        session = await client.session(slug)
        await session.close()
        return session


@pytest.mark.parametrize("maker", MAKERS)
def test_slug_with_a_typing_error_is_reported_at_once(maker: str) -> None:
    with pytest.raises(ValidationError, match=r"'gmial'. Did you mean 'gmail'\?") as caught:
        MAKERS[maker]("gmial")
    assert caught.value.slug == "gmial"
    assert "hosts=" in str(caught.value.suggested_fix)


@pytest.mark.parametrize("maker", MAKERS)
def test_slug_of_the_callers_own_works(maker: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAKERS[maker]("in-house-tool")
    monkeypatch.setenv("VENDO_TOKEN_GMIAL", "token")
    assert MAKERS[maker]("gmial")
    monkeypatch.delenv("VENDO_TOKEN_GMIAL")
    monkeypatch.setenv("VENDO_TOKEN_GMIAL_FILE", "/run/secrets/gmial")  # read at a request
    assert MAKERS[maker]("gmial")
    monkeypatch.delenv("VENDO_TOKEN_GMIAL_FILE")
    monkeypatch.setenv("GMIAL_BASE_URL", "https://gmial.example")
    assert MAKERS[maker]("gmial")


def test_slug_like_one_of_the_catalog_works_with_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    client = vendo.Vendo()
    assert client.session("gmial", hosts=["gmial.example"])
    assert client.session("gmial", base_url="https://gmial.example")
    assert client.auth("gmial", hosts=["gmial.example"])
    monkeypatch.setenv("VENDO_TOKEN_GMIAL", "token")
    session, auth = client.session("gmial"), client.httpx_auth("gmial")
    monkeypatch.delenv("VENDO_TOKEN_GMIAL")
    assert pickle.loads(pickle.dumps(session))
    assert pickle.loads(pickle.dumps(auth))


@pytest.mark.parametrize("slug", ["openai-eu", "gmail2", "my-gmail", "mail"])
def test_name_of_the_callers_own_may_contain_one_of_the_catalog_in_vendo_mode(slug: str) -> None:
    with LocalVendo([slug]) as server, server.client() as client:
        assert client.session(slug).get("x").status_code == 200
    with pytest.raises(ValidationError, match="Did you mean"):
        vendo.Vendo("byok").session(slug)


def test_client_of_another_server_does_not_follow_the_environment(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GMAIL_BASE_URL", server.provider_url("gmail"))
    with LocalVendo(["gmail"]) as own, own.client() as client:
        assert client.session("gmail").get("gmail/v1/users/me/profile").status_code == 200
        assert own.count("provider") == 1
    assert vendo.session("gmail").get("gmail/v1/users/me/profile").status_code == 200
    assert server.count("provider") == 1


def test_redirect_to_a_path_stays_at_the_fake_provider(server: LocalVendo) -> None:
    server.respond("gmail", "GET", "/r", status=302, headers={"Location": "/gmail/v1/users/me/x"})

    response = vendo.session("gmail").get("r")

    assert response.url == f"{server.provider_url('gmail')}/gmail/v1/users/me/x"
