"""`override=True`: the credential that a request comes with is replaced, as an SDK's own key."""

from __future__ import annotations

import asyncio
import importlib
import pickle
from collections.abc import Callable
from typing import Any

import pytest
import requests

import vendo
from sessions.foreign import Foreign
from vendo._catalog.data import PROVIDERS
from vendo._sessions.policy import Policy
from vendo.testing import LocalVendo
from vendo.testing._providers.credentials import PLACES, headers_of

DUMMY = "dummy-of-an-sdk"

#: A request of a client's caller, and its status.
Send = Callable[..., int]


def by_session(client: vendo.Vendo, slug: str, url: str, **request: Any) -> int:
    with client.session(slug, override=True) as session:
        return session.post(url, **request).status_code


def by_auth(client: vendo.Vendo, slug: str, url: str, **request: Any) -> int:
    auth = client.auth(slug, override=True)
    return requests.post(url, auth=auth, timeout=10, **request).status_code


def by_aiohttp(client: vendo.Vendo, slug: str, url: str, **request: Any) -> int:
    async def main() -> int:
        async with (
            vendo.AsyncVendo() as aclient,
            await aclient.session(slug, override=True) as session,
            session.post(url, **request) as response,
        ):
            return response.status

    return asyncio.run(main())


def _by_httpx(name: str) -> Send:
    library = importlib.import_module(name)

    def send(client: vendo.Vendo, slug: str, url: str, **request: Any) -> int:
        with library.Client(auth=client.httpx_auth(slug, override=True)) as http:
            status: int = http.post(url, **request).status_code
            return status

    return send


def _by_httpx_async(name: str) -> Send:
    library = importlib.import_module(name)

    def send(client: vendo.Vendo, slug: str, url: str, **request: Any) -> int:
        async def main() -> int:
            async with library.AsyncClient(auth=client.httpx_auth(slug, override=True)) as http:
                status: int = (await http.post(url, **request)).status_code
                return status

        return asyncio.run(main())

    return send


WAYS: dict[str, Send] = {
    "session": by_session,
    "auth": by_auth,
    "aiohttp": by_aiohttp,
    "httpx2": _by_httpx("httpx2"),
    "httpx": _by_httpx("httpx"),
    "httpx2 async": _by_httpx_async("httpx2"),
    "httpx async": _by_httpx_async("httpx"),
}


@pytest.fixture(params=list(WAYS))
def send(request: pytest.FixtureRequest) -> Send:
    return WAYS[request.param]


@pytest.fixture(params=sorted(WAYS.keys() - {"auth"}))
def send_in_path(request: pytest.FixtureRequest) -> Send:
    """`auth` does not place a token in a path."""
    return WAYS[request.param]


@pytest.mark.parametrize("name", ["Authorization", "authorization", "X-API-KEY"])
def test_credential_in_each_header_is_replaced(
    server: LocalVendo, client: vendo.Vendo, send: Send, name: str
) -> None:
    url = f"{server.provider_url('anthropic')}/v1/messages"
    headers = {name: DUMMY, "X-Other": "kept"}

    assert send(client, "anthropic", url, headers=headers, json={}) == 200
    sent = server.requests[-1].headers
    assert sent.get("authorization") is None
    assert (sent["x-api-key"], sent["x-other"]) == (server.token("anthropic"), "kept")


def test_two_credentials_are_replaced_by_one(
    server: LocalVendo, client: vendo.Vendo, send: Send
) -> None:
    url = f"{server.provider_url('anthropic')}/v1/messages"
    headers = {"Authorization": f"Bearer {DUMMY}", "x-api-key": DUMMY}

    assert send(client, "anthropic", url, headers=headers, json={}) == 200
    assert DUMMY not in str(dict(server.requests[-1].headers))


@pytest.mark.parametrize(
    ("path", "sent"),
    [
        (f"/bot{DUMMY}/getMe", "/bot{}/getMe"),
        (f"/bot{DUMMY}/getMe?a=%20b", "/bot{}/getMe?a=%20b"),
        (f"/file/bot{DUMMY}/photos/1.jpg", "/file/bot{}/photos/1.jpg"),
        ("/getMe", "/bot{}/getMe"),
        ("/botany", "/bot{}/botany"),
    ],
)
def test_credential_in_the_path_is_replaced(
    server: LocalVendo, client: vendo.Vendo, send_in_path: Send, path: str, sent: str
) -> None:
    url = server.provider_url("telegram") + path

    assert send_in_path(client, "telegram", url) == 200
    last = server.requests[-1]
    received = last.path + (f"?{last.raw_query}" if last.raw_query else "")
    assert received.removeprefix("/providers/telegram") == sent.format(server.token("telegram"))


def test_credential_of_the_librarys_basic_authentication_is_replaced(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    url = f"{server.provider_url('openai')}/v1/models"
    with client.session("openai", override=True) as session:
        assert session.get(url, auth=("user", DUMMY)).status_code == 200
        session.auth = ("user", DUMMY)
        session.headers["Authorization"] = DUMMY
        assert session.get(url).status_code == 200


def test_request_that_was_prepared_elsewhere_gets_the_token(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    url = f"{server.provider_url('openai')}/v1/models"
    prepared = requests.Request("GET", url, headers={"Authorization": DUMMY}).prepare()
    with client.session("openai", override=True) as session:
        assert session.send(prepared).status_code == 200
        server.expire("openai")
        assert session.send(prepared).status_code == 200
    assert prepared.headers["Authorization"] == DUMMY


@pytest.mark.parametrize("change", ["rotate", "expire"])
def test_token_is_renewed(server: LocalVendo, client: vendo.Vendo, send: Send, change: str) -> None:
    url = f"{server.provider_url('openai')}/v1/models"
    headers = {"Authorization": f"Bearer {DUMMY}"}
    assert send(client, "openai", url, headers=headers) == 200
    getattr(server, change)("openai")
    assert send(client, "openai", url, headers=headers) == 200


def test_other_hosts_are_rejected(
    server: LocalVendo, client: vendo.Vendo, send: Send, foreign: Foreign
) -> None:
    with pytest.raises(
        vendo.ValidationError, match=r"token for openai is not sent to 127\.0\.0\.1"
    ):
        send(client, "openai", f"{foreign.url}/x", headers={"Authorization": DUMMY})
    assert foreign.seen == []


@pytest.mark.parametrize("way", ["session", "auth", "aiohttp"])
def test_redirect_to_another_host_carries_no_credential(
    server: LocalVendo, client: vendo.Vendo, foreign: Foreign, way: str
) -> None:
    url = f"{server.provider_url('anthropic')}/redirect?to={foreign.url}/x&status=307"
    headers = {"Authorization": DUMMY, "x-api-key": DUMMY}
    assert WAYS[way](client, "anthropic", url, headers=headers) == 200
    names = {name.lower() for name in foreign.seen[-1].headers}
    assert not names & {"authorization", "x-api-key"}


def test_without_override_the_callers_credential_wins(
    server: LocalVendo, client: vendo.Vendo
) -> None:
    url = f"{server.provider_url('openai')}/v1/models"
    with client.session("openai") as session:
        assert session.get(url, headers={"Authorization": DUMMY}).status_code == 401


@pytest.mark.parametrize("slug", sorted(PLACES))
def test_every_header_of_a_provider_is_replaced(slug: str) -> None:
    headers = requests.structures.CaseInsensitiveDict(dict.fromkeys(headers_of(slug), DUMMY))
    Policy(slug, override=True).drop_own(headers)
    assert dict(headers) == {}


@pytest.mark.parametrize("slug", [slug for slug, row in PROVIDERS.items() if "query" in row])
def test_every_query_field_of_a_provider_is_replaced(slug: str) -> None:
    policy = Policy(slug, override=True)
    base = "https://example.com/x"
    for name in PROVIDERS[slug]["query"]:
        assert policy.route(f"{base}?a=%2F&{name}={DUMMY}&b#c") == f"{base}?a=%2F&b#c"
        assert policy.route(f"{base}?{name}={DUMMY}") == base
        assert policy.route(f"{base}?my_{name}=1") == f"{base}?my_{name}=1"
        assert Policy(slug).route(f"{base}?{name}=1") == f"{base}?{name}=1"


def test_copies_keep_the_choice(server: LocalVendo, client: vendo.Vendo) -> None:
    url = f"{server.provider_url('openai')}/v1/models"
    headers = {"Authorization": DUMMY}
    with pickle.loads(pickle.dumps(client.session("openai", override=True))) as session:
        assert session.get(url, headers=headers).status_code == 200
    auth = pickle.loads(pickle.dumps(client.auth("openai", override=True)))
    assert requests.get(url, headers=headers, auth=auth, timeout=10).status_code == 200
    httpx2 = importlib.import_module("httpx2")
    with httpx2.Client(
        auth=pickle.loads(pickle.dumps(client.httpx_auth("openai", override=True)))
    ) as http:
        assert http.get(url, headers=headers).status_code == 200


@pytest.mark.parametrize("value", [1, "yes", None])
def test_override_must_be_a_bool(client: vendo.Vendo, value: Any) -> None:
    with pytest.raises(vendo.ValidationError, match="override= must be True or False"):
        client.session("openai", override=value)
