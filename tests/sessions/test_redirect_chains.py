"""A chain of redirects that has left the allowed hosts stays without the token."""

from __future__ import annotations

import base64
import logging
from typing import TYPE_CHECKING

import pytest
import requests

import vendo
from sessions.foreign import Foreign, Reply
from sessions.libraries import WAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sessions.foreign import Seen

TOKEN, NEXT = "canary-first", "canary-next"
#: A bearer token, a header of the provider's own, a bare `Authorization`, basic, and the path.
SLUGS = ("gmail", "anthropic", "assemblyai", "mailchimp", "telegram")
CASES = [
    pytest.param(way, slug, id=f"{way}-{slug}")
    for way in WAYS
    for slug in SLUGS
    if (way, slug) != ("auth", "telegram")
]


@pytest.fixture
def provider() -> Iterator[Foreign]:
    with Foreign() as provider:
        yield provider


@pytest.fixture
def slug(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, provider: Foreign) -> str:
    """A provider on that server. It rejects a request without a token, and has a new one then."""
    slug: str = request.param
    name = slug.upper()
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    monkeypatch.setenv(f"VENDO_TOKEN_{name}", TOKEN)
    monkeypatch.setenv(f"{name}_BASE_URL", provider.url)

    def back(seen: Seen) -> Reply:
        monkeypatch.setenv(f"VENDO_TOKEN_{name}", NEXT)
        return Reply(200 if tokens_in(seen) else 401)

    for before in ("", f"/bot{TOKEN}", f"/bot{NEXT}"):
        provider.replies[f"{before}/back"] = back
    return slug


def tokens_in(seen: Seen) -> list[str]:
    shown = f"{seen.path}{seen.headers.as_string()}"
    return [
        token
        for token in (TOKEN, NEXT)
        if token in shown or base64.b64encode(f"anystring:{token}".encode()).decode() in shown
    ]


def lead(provider: Foreign, to: str, status: int) -> None:
    for before in ("", f"/bot{TOKEN}"):
        provider.redirect(f"{before}/start", to, status)


@pytest.mark.parametrize(("way", "slug"), CASES, indirect=["slug"])
@pytest.mark.parametrize("status", [302, 307])
def test_return_to_the_provider_is_without_the_token(
    way: str, slug: str, status: int, provider: Foreign, foreign: Foreign
) -> None:
    lead(provider, f"{foreign.url}/elsewhere", status)
    foreign.redirect("/elsewhere", f"{provider.url}/back", 307)

    sent = WAYS[way](slug, f"{provider.url}/start", {}, ())

    assert (sent.status, sent.url) == (401, f"{provider.url}/back")
    assert [tokens_in(seen) for seen in provider.seen] == [[TOKEN], []]
    assert [tokens_in(seen) for seen in foreign.seen] == [[]]


@pytest.mark.parametrize(("way", "slug"), CASES, indirect=["slug"])
def test_return_after_more_redirects_is_without_the_token(
    way: str, slug: str, provider: Foreign, foreign: Foreign
) -> None:
    """Provider, elsewhere, elsewhere, provider, provider."""
    lead(provider, f"{foreign.url}/elsewhere", 302)
    foreign.redirect("/elsewhere", f"http://localhost:{foreign.port}/more")
    foreign.redirect("/more", f"{provider.url}/again")
    provider.redirect("/again", f"{provider.url}/back")

    sent = WAYS[way](slug, f"{provider.url}/start", {}, ())

    assert (sent.status, sent.url) == (401, f"{provider.url}/back")
    assert [tokens_in(seen) for seen in provider.seen] == [[TOKEN], [], []]
    assert [tokens_in(seen) for seen in foreign.seen] == [[], []]


@pytest.mark.parametrize(("way", "slug"), CASES, indirect=["slug"])
def test_redirects_within_the_allowed_hosts_carry_the_token(
    way: str, slug: str, provider: Foreign
) -> None:
    """Each to another name of the provider, so that no library keeps the header by itself."""
    other = f"http://localhost:{provider.port}"
    lead(provider, f"{other}/middle", 307)
    for before in ("", f"/bot{TOKEN}"):
        provider.redirect(f"{before}/middle", f"{provider.url}/back", 307)

    sent = WAYS[way](slug, f"{provider.url}/start", {}, [f"localhost:{provider.port}"])

    assert (sent.status, sent.url) == (200, f"{provider.url}/back")
    assert tokens_in(provider.seen[-1])


OWN = [
    pytest.param(way, slug, id=f"{way}-{slug}")
    for way in WAYS
    for slug in ("gmail", "anthropic", "assemblyai")
]


@pytest.mark.parametrize(("way", "slug"), OWN, indirect=["slug"])
def test_callers_own_credential_stays_away_too(
    way: str, slug: str, provider: Foreign, foreign: Foreign
) -> None:
    lead(provider, f"{foreign.url}/elsewhere", 302)
    foreign.redirect("/elsewhere", f"{provider.url}/back", 307)
    name = "x-api-key" if slug == "anthropic" else "Authorization"

    sent = WAYS[way](slug, f"{provider.url}/start", {name: "my-own"}, ())

    assert (sent.status, sent.url) == (401, f"{provider.url}/back")
    assert [seen.headers[name] for seen in provider.seen] == ["my-own", None]
    assert foreign.seen[0].headers[name] is None
    assert not any(tokens_in(seen) for seen in provider.seen)


@pytest.mark.parametrize("slug", SLUGS, indirect=True)
def test_redirects_followed_one_at_a_time_are_one_chain(
    slug: str, provider: Foreign, foreign: Foreign
) -> None:
    lead(provider, f"{foreign.url}/elsewhere", 302)
    foreign.redirect("/elsewhere", f"{provider.url}/back", 307)

    with vendo.Vendo() as client, client.session(slug) as session:
        response = session.get("start", allow_redirects=False)
        while response.next is not None:
            response = session.send(response.next, allow_redirects=False)

    assert response.status_code == 401
    assert [tokens_in(seen) for seen in provider.seen] == [[TOKEN], []]


@pytest.mark.parametrize(
    ("opened", "slug"),
    [("session", "gmail"), ("session", "telegram"), ("auth", "gmail"), ("auth", "anthropic")],
    indirect=["slug"],
)
def test_new_request_after_a_chain_has_the_token(
    opened: str, slug: str, provider: Foreign, foreign: Foreign
) -> None:
    lead(provider, f"{foreign.url}/elsewhere", 302)
    foreign.redirect("/elsewhere", f"{provider.url}/back", 307)
    with vendo.Vendo() as client:
        session = client.session(slug) if opened == "session" else requests.Session()
        if opened == "auth":
            session.auth = client.auth(slug)
        prepared = session.prepare_request(requests.Request("GET", f"{provider.url}/start"))

        assert session.send(prepared, timeout=10).status_code == 401
        assert session.get(f"{provider.url}/back", timeout=10).status_code == 200
        # The same request once more is a new one, too.
        prepared.url = f"{provider.url}/back"
        assert session.send(prepared, timeout=10).status_code == 200


@pytest.mark.parametrize("library", ["requests", "aiohttp", "httpx", "httpx2"])
@pytest.mark.parametrize("form", ["/bot{token}/x/", "{url}/bot{token}/x/", "../bot{token}/x/"])
def test_a_redirect_that_repeats_the_token_in_the_path_is_followed_without_showing_it(
    library: str,
    form: str,
    foreign: Foreign,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    token = "123:canary"
    monkeypatch.setenv("VENDO_TOKEN_TELEGRAM", token)
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "k" * 32)
    monkeypatch.setenv("TELEGRAM_BASE_URL", foreign.url)
    foreign.redirect(f"/bot{token}/x", form.format(token=token, url=foreign.url))
    for path in ("/x/", "/x"):
        foreign.replies[path] = Reply(404)
    caplog.set_level(logging.DEBUG, {"requests": "urllib3", "aiohttp": "asyncio"}.get(library))

    way = "session" if library == "requests" else library
    sent = WAYS[way]("telegram", f"{foreign.url}/x", {}, ())

    assert sent.status == 200
    assert foreign.seen[-1].path == f"/bot{token}/x/"
    if "httpx" not in library:  # which logs and shows where a redirect leads
        assert token not in sent.url
        assert token not in caplog.text
