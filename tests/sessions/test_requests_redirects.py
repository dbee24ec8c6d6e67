"""Each hop of a redirect is checked: the token goes to the provider's hosts only."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

import pytest
import requests

from sessions.foreign import Reply

if TYPE_CHECKING:
    from collections.abc import Callable

    import vendo
    from sessions.foreign import Foreign, Seen
    from vendo.testing import LocalVendo

    Opened = Callable[..., requests.Session]


def ours(client: vendo.Vendo, slug: str, **settings: object) -> requests.Session:
    return client.session(slug, **settings)  # type: ignore[arg-type]  # hosts=


def theirs(client: vendo.Vendo, slug: str, **settings: object) -> requests.Session:
    session = requests.Session()
    session.trust_env = False  # requests would look for a netrc entry at each hop
    session.auth = client.auth(slug, **settings)  # type: ignore[arg-type]  # hosts=
    return session


@pytest.fixture(params=[ours, theirs], ids=["session", "auth"])
def opened(request: pytest.FixtureRequest) -> Opened:
    made: Opened = request.param
    return made


#: The ways to open a session, with the providers that each of them serves.
SERVED = [
    *((ours, slug) for slug in ("anthropic", "gmail", "mailchimp", "telegram")),
    *((theirs, slug) for slug in ("anthropic", "gmail", "mailchimp")),
]


def secrets_in(seen: Seen, server: LocalVendo) -> list[str]:
    return [
        slug
        for slug in ("anthropic", "gmail", "mailchimp", "telegram")
        if server.token(slug) in f"{seen.path}{seen.headers.as_string()}{seen.body!r}"
    ]


@pytest.mark.parametrize(("opened", "slug"), SERVED)
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_another_host_gets_neither_token_nor_header(
    client: vendo.Vendo,
    server: LocalVendo,
    foreign: Foreign,
    opened: Opened,
    slug: str,
    status: int,
    host: str,
) -> None:
    to = f"http://{host}:{foreign.port}/taken"
    session = opened(client, slug)

    response = session.post(
        f"{server.provider_url(slug)}/redirect",
        params={"to": to, "status": str(status)},
        data=b"body",
    )

    assert response.status_code == 200
    assert response.url == to
    [seen] = foreign.seen
    assert secrets_in(seen, server) == []
    for name in ("Authorization", "x-api-key"):
        assert seen.headers[name] is None
    assert (seen.body == b"body") == (status in {307, 308})
    response = session.get(f"{server.provider_url(slug)}/x")
    assert response.status_code == 200  # the session still has the token


@pytest.mark.parametrize("slug", ["anthropic", "gmail", "mailchimp"])
def test_redirect_within_the_host_keeps_the_token(
    client: vendo.Vendo, server: LocalVendo, opened: Opened, slug: str
) -> None:
    base = server.provider_url(slug)

    response = opened(client, slug).get(f"{base}/redirect", params={"to": f"{base}/echo"})

    assert response.status_code == 200
    assert [step.status_code for step in response.history] == [302]
    assert server.count("provider") == 2


def test_redirect_within_the_host_keeps_a_token_in_the_path(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    base = server.provider_url("telegram")

    response = client.session("telegram").get("redirect", params={"to": f"{base}/getMe"})

    assert response.json()["ok"]
    assert response.url == f"{base}/getMe"


@pytest.mark.parametrize("slug", ["anthropic", "gmail"])
def test_another_host_of_the_provider_gets_the_token(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign, opened: Opened, slug: str
) -> None:
    session = opened(client, slug, hosts=["localhost"])
    to = server.provider_url(slug).replace("127.0.0.1", "localhost")

    response = session.get(f"{server.provider_url(slug)}/redirect", params={"to": f"{to}/echo"})

    assert response.status_code == 200
    assert response.url == f"{to}/echo"
    assert server.count("credentials") == 1  # no token was counted as rejected


def test_a_401_of_another_host_does_not_reject_the_token(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign, opened: Opened
) -> None:
    foreign.replies["/taken"] = Reply(401)
    session = opened(client, "gmail")
    session.get(f"{server.provider_url('gmail')}/x")
    server.clear_requests()

    response = session.get(
        f"{server.provider_url('gmail')}/redirect", params={"to": f"{foreign.url}/taken"}
    )

    assert response.status_code == 401
    assert len(foreign.seen) == 1
    assert server.count("credentials") == 0


def test_a_401_after_a_redirect_is_renewed_and_in_the_history(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    base = server.provider_url("gmail")
    session = client.session("gmail")
    session.get("x")
    server.fail("provider", redirect=f"{base}/echo")
    server.expire("gmail")

    response = session.post("x", data=b"body")

    assert response.status_code == 200
    assert [step.status_code for step in response.history] == [302, 401]


def test_a_redirect_after_a_401_keeps_both_in_the_history(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    base = server.provider_url("gmail")
    session = client.session("gmail")
    session.get("x")
    server.expire("gmail")

    response = session.get("redirect", params={"to": f"{base}/echo"})

    assert response.status_code == 200
    assert [step.status_code for step in response.history] == [401, 302]


def test_redirects_can_be_turned_off(
    client: vendo.Vendo, foreign: Foreign, opened: Opened, server: LocalVendo
) -> None:
    session = opened(client, "gmail")
    url = f"{server.provider_url('gmail')}/redirect"

    response = session.get(url, params={"to": f"{foreign.url}/x"}, allow_redirects=False)

    assert response.status_code == 302
    assert not foreign.seen


@pytest.mark.parametrize("location", ["http://[", "//b\u00fccher.example/x", "/\u00fc"])
def test_ambiguous_location_gets_no_token(
    client: vendo.Vendo, foreign: Foreign, location: str
) -> None:
    foreign.replies["/x"] = Reply(302, {"Location": location})
    session = requests.Session()
    session.auth = client.auth("gmail", hosts=["127.0.0.1"])
    prepared = session.prepare_request(requests.Request("GET", f"{foreign.url}/x"))

    with suppress(ValueError):  # requests cannot read all of them either
        session.send(prepared, timeout=10, allow_redirects=False)

    assert foreign.seen[0].headers["Authorization"]
    assert "Authorization" not in prepared.headers


@pytest.mark.parametrize(("slug", "name"), [("anthropic", "x-api-key"), ("gmail", "Authorization")])
def test_callers_own_credential_does_not_go_to_another_host(
    client: vendo.Vendo,
    server: LocalVendo,
    foreign: Foreign,
    opened: Opened,
    slug: str,
    name: str,
) -> None:
    template = "Bearer {}" if name == "Authorization" else "{}"
    own = {name: template.format(server.token(slug))}
    session = opened(client, slug)
    base = server.provider_url(slug)

    within = session.get(f"{base}/redirect", params={"to": f"{base}/x"}, headers=own)
    across = session.get(f"{base}/redirect", params={"to": f"{foreign.url}/x"}, headers=own)

    assert (within.status_code, across.status_code) == (200, 200)
    assert secrets_in(foreign.seen[0], server) == []
    assert server.count("credentials") == 0


def test_callers_own_auth_is_left_to_requests(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign
) -> None:
    foreign.redirect("/x", f"http://localhost:{foreign.port}/y")

    client.session("gmail").get(f"{foreign.url}/x", auth=("user", "password"))

    assert foreign.seen[0].headers["Authorization"]
    assert foreign.seen[1].headers["Authorization"] is None
