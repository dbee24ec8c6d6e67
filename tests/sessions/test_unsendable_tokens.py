"""A token that no request can carry, such as one with typographic quotes, is one clear error."""

from __future__ import annotations

import asyncio
import importlib
from typing import TYPE_CHECKING, Any

import pytest
import requests

import vendo
from sessions.foreign import Reply
from support.shown import texts_of
from vendo._sessions.policy import Policy

if TYPE_CHECKING:
    from collections.abc import Callable

    from sessions.foreign import Foreign

    Send = Callable[[str, str], None]

SLUGS = ("anthropic", "mailchimp", "openai", "telegram")
PASTED = "sk-canary\u20138d3e"


def by_requests(slug: str, url: str) -> None:
    vendo.Vendo().session(slug).get(url)


def by_requests_auth(slug: str, url: str) -> None:
    requests.get(url, auth=vendo.Vendo().auth(slug), timeout=10)


def by_aiohttp(slug: str, url: str) -> None:
    async def main() -> None:
        async with vendo.AsyncVendo() as client, await client.session(slug) as session:
            await session.get(url)

    asyncio.run(main())


def by_httpx(name: str) -> Send:
    library: Any = importlib.import_module(name)

    def send(slug: str, url: str) -> None:
        with library.Client(auth=vendo.Vendo().httpx_auth(slug), trust_env=False) as http:
            http.get(url)

    return send


def by_httpx_tasks(name: str) -> Send:
    library: Any = importlib.import_module(name)

    async def main(slug: str, url: str) -> None:
        auth = vendo.Vendo().httpx_auth(slug)
        async with library.AsyncClient(auth=auth, trust_env=False) as http:
            await http.get(url)

    return lambda slug, url: asyncio.run(main(slug, url))


WAYS: dict[str, Send] = {
    "requests": by_requests,
    "requests auth": by_requests_auth,
    "aiohttp": by_aiohttp,
    "httpx": by_httpx("httpx"),
    "httpx2": by_httpx("httpx2"),
    "httpx async": by_httpx_tasks("httpx"),
    "httpx2 async": by_httpx_tasks("httpx2"),
}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)


def check(error: vendo.ValidationError, slug: str) -> None:
    assert error.slug == slug
    assert f"The token for {slug} contains a line break" in str(error)
    assert f"VENDO_TOKEN_{slug.upper()}, {slug.upper()}_" in str(error)
    for text in texts_of(error):
        assert "canary" not in text


@pytest.mark.parametrize(
    ("way", "slug"),
    [
        (way, slug)
        for way in WAYS
        for slug in SLUGS
        if (way, slug) != ("requests auth", "telegram")  # which puts no token into a path
    ],
)
def test_unsendable_token_is_one_error_without_the_token(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch, way: str, slug: str
) -> None:
    monkeypatch.setenv(f"VENDO_TOKEN_{slug.upper()}", PASTED)
    monkeypatch.setenv(f"{slug.upper()}_BASE_URL", foreign.url)

    with pytest.raises(vendo.ValidationError) as caught:
        WAYS[way](slug, f"{foreign.url}/x")

    check(caught.value, slug)
    assert not foreign.seen


@pytest.mark.parametrize("way", WAYS)
def test_unsendable_renewed_token_is_the_same_error(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    def reject(_seen: Any) -> Reply:
        monkeypatch.setenv("VENDO_TOKEN_OPENAI", PASTED)
        return Reply(401)

    foreign.replies["/x"] = reject
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "canary-old")
    monkeypatch.setenv("OPENAI_BASE_URL", foreign.url)

    with pytest.raises(vendo.ValidationError) as caught:
        WAYS[way]("openai", f"{foreign.url}/x")

    check(caught.value, "openai")
    assert len(foreign.seen) == 1


@pytest.mark.parametrize("token", ["a\u00adb", "a\nb", "a\x7fb", " a", "a ", "\u00e9"])
def test_token_that_does_not_fit_in_a_header_is_an_error(token: str) -> None:
    with pytest.raises(vendo.ValidationError, match="VENDO_TOKEN_MYTOOL or"):
        Policy("mytool").credential("https://api.mytool.example/", token)


@pytest.mark.parametrize("token", ["a b", "~!\"#$%&'()*+,-./:;<=>?@[]^_`{|}"])
def test_printable_ascii_is_sent(token: str) -> None:
    assert Policy("openai").credential("https://api.openai.com/", token) == f"Bearer {token}"
