"""Plain http goes only to this machine, and no proxy of the environment sees its token."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest
import requests

import vendo
from sessions.foreign import Foreign
from sessions.libraries import AUTHS, SESSIONS, WAYS
from support.internet import internet
from support.proxy import TunnelProxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from vendo.testing import LocalVendo

TOKEN = "canary-proxied"
VARIABLES = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"]


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    for slug in ("gmail", "anthropic"):
        monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", TOKEN)


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Iterator[Foreign]:
    with Foreign() as provider:
        for slug in ("GMAIL", "ANTHROPIC"):
            monkeypatch.setenv(f"{slug}_BASE_URL", provider.url)
        yield provider


@pytest.fixture
def proxy() -> Iterator[TunnelProxy]:
    with TunnelProxy() as proxy:
        yield proxy


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("way", SESSIONS)
def test_session_reaches_this_machine_directly(
    way: str, name: str, provider: Foreign, proxy: TunnelProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, proxy.url)

    assert WAYS[way]("gmail", f"{provider.url}/x", {}, ()).status == 200
    assert proxy.connections == 0
    assert provider.seen[0].headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("name", VARIABLES)
@pytest.mark.parametrize("way", AUTHS)
def test_auth_sends_nothing_through_a_proxy(
    way: str, name: str, provider: Foreign, proxy: TunnelProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, proxy.url)

    with pytest.raises(vendo.ValidationError, match="not sent over plain http") as caught:
        WAYS[way]("gmail", f"{provider.url}/x", {}, ())

    assert "Add 127.0.0.1 to NO_PROXY" in str(caught.value)
    assert proxy.connections == 0
    assert not provider.seen


@pytest.mark.parametrize("direct", ["127.0.0.1", "a.example, 127.0.0.1 ,b.example", "*"])
@pytest.mark.parametrize("way", AUTHS)
def test_fix_of_that_error_works(
    way: str, direct: str, provider: Foreign, proxy: TunnelProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", proxy.url)
    monkeypatch.setenv("NO_PROXY", direct)

    assert WAYS[way]("gmail", f"{provider.url}/x", {}, ()).status == 200
    assert proxy.connections == 0


#: Each library reads some of these as "127.0.0.1 too", and others not.
@pytest.mark.parametrize(
    "direct", ["127.0.0.0/8", "0.0.1", ".1", "localhost", "http://127.0.0.1", "127.0.0.1:1", " "]
)
@pytest.mark.parametrize("way", AUTHS)
def test_no_proxy_sees_a_token_however_no_proxy_is_written(
    way: str, direct: str, provider: Foreign, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", foreign.url)
    monkeypatch.setenv("NO_PROXY", direct)

    try:
        WAYS[way]("gmail", f"{provider.url}/x", {}, ())
    except vendo.ValidationError:
        assert not provider.seen
    assert not foreign.seen


def secrets_at(proxy: Foreign) -> list[str]:
    return [seen.path for seen in proxy.seen if TOKEN in seen.headers.as_string()]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("slug", ["gmail", "anthropic"])
def test_redirect_to_a_proxied_name_is_without_the_token(
    way: str, slug: str, provider: Foreign, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`127.0.0.1` is direct, and `localhost`, an allowed host too, is not."""
    monkeypatch.setenv("HTTP_PROXY", foreign.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    provider.redirect("/x", f"http://localhost:{provider.port}/y", 307)

    WAYS[way](slug, f"{provider.url}/x", {}, [f"localhost:{provider.port}"])

    assert provider.seen[0].path == "/x"
    assert secrets_at(foreign) == []
    assert bool(foreign.seen) == (way not in SESSIONS)


@pytest.mark.parametrize("opened", ["session", "auth"])
@pytest.mark.parametrize("slug", ["gmail", "anthropic"])
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY"])
def test_redirect_from_https_to_this_machine_uses_no_proxy_of_the_environment(
    opened: str, slug: str, name: str, server: LocalVendo, foreign: Foreign,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """requests collects the proxies for all schemes with the first request."""
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", server.token(slug))
    local = f"http://127.0.0.1:{foreign.port}"
    with internet(server) as net, vendo.Vendo(api_key=server.api_key) as client:
        for variable, value in net.environment.items():
            monkeypatch.setenv(variable, value)
        monkeypatch.delenv(f"{slug.upper()}_BASE_URL")
        hosts = [f"127.0.0.1:{foreign.port}"]
        session = requests.Session()
        session.auth = client.auth(slug, hosts=hosts)
        if opened == "session":
            session = client.session(slug, hosts=hosts)
        with Foreign() as proxy, session:
            monkeypatch.setenv(name, proxy.url)
            url = (
                f"https://{'api.anthropic.com' if slug == 'anthropic' else 'gmail.googleapis.com'}"
            )
            session.get(f"{url}/redirect", params={"to": f"{local}/x", "status": "307"}, timeout=10)

            assert not [
                seen for seen in proxy.seen if server.token(slug) in seen.headers.as_string()
            ]
            if opened == "session":
                assert [seen.path for seen in foreign.seen] == ["/x"]
                assert server.token(slug) in foreign.seen[0].headers.as_string()


@pytest.mark.parametrize("slug", ["gmail", "anthropic"])
def test_callers_own_proxy_of_a_session_is_used(
    slug: str, provider: Foreign, foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Foreign() as unused, vendo.Vendo() as client, client.session(slug) as session:
        monkeypatch.setenv("HTTP_PROXY", unused.url)
        provider.redirect("/x", "/y")
        session.proxies["http"] = foreign.url
        foreign.redirect(f"{provider.url}/x", f"{provider.url}/y")

        session.get(f"{provider.url}/x")

        assert [seen.path for seen in foreign.seen] == [
            f"{provider.url}/x",
            f"{provider.url}/y",
        ]
        assert not unused.seen


@pytest.mark.parametrize(
    ("environment", "own", "expected"),
    [
        ({"HTTPS_PROXY": "e"}, {}, {"https": "e"}),
        ({"ALL_PROXY": "e"}, {}, {"https": "e"}),
        ({"ALL_PROXY": "e", "HTTP_PROXY": "h"}, {"http": "e"}, {"http": "e", "https": "e"}),
        ({"HTTPS_PROXY": "e"}, {"https": "o"}, {"https": "o"}),
        ({"ALL_PROXY": "e"}, {"all": "o"}, {"all": "o"}),
        ({"HTTPS_PROXY": "e", "NO_PROXY": "a.example"}, {"http": "o"}, {"http": "o"}),
    ],
)
def test_for_https_a_session_has_the_proxy_of_the_environment_for_https_alone(
    environment: dict[str, str], own: dict[str, str], expected: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with vendo.Vendo() as client, client.session("gmail") as session:
        given = dict(own)
        settings = session.merge_environment_settings("https://a.example/", given, None, None, None)

    assert settings["proxies"] == expected
    assert given == own


@pytest.mark.parametrize("name", ["httpx2", "httpx"])
def test_a_starlette_client_reaches_this_machine_directly(
    name: str, provider: Foreign, proxy: TunnelProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    from vendo_starlette import httpx_clients

    monkeypatch.setattr(httpx_clients, "find_spec", lambda wanted: wanted == name)
    monkeypatch.setenv("HTTP_PROXY", proxy.url)

    async def main() -> int:
        pools = httpx_clients.Pools()
        async with vendo.AsyncVendo() as client:
            http: Any = httpx_clients.make_httpx(client, pools, "gmail")
            response = await http.get(f"{provider.url}/x")
            await pools.aclose()
            status: int = response.status_code
            return status

    assert asyncio.run(main()) == 200
    assert proxy.connections == 0
