from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING

import pytest

from testing.local_http import Answer, Talk, ask, bearer
from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from typing import Any

PROFILE = "/gmail/v1/users/me/profile"


def known(slug: str) -> catalog.Provider:
    provider = catalog.provider(slug)
    assert provider is not None
    return provider


def call(server: LocalVendo, slug: str, path: str, method: str = "GET", **kwargs: Any) -> Answer:
    headers = {**bearer(server.token(slug)), **kwargs.pop("headers", {})}
    return ask(server.provider_url(slug) + path, method, headers, **kwargs)


@pytest.mark.parametrize("slug", catalog.slugs())
def test_the_credential_has_to_be_where_the_catalog_says(slug: str) -> None:
    provider = known(slug)
    with LocalVendo([slug]) as server, Talk(server.url) as talk:
        url, token = server.provider_url(slug), server.token(slug)
        headers, path = dict(provider.extra_headers), "/echo"
        elsewhere = {**headers, "X-Elsewhere": token}
        if provider.path:
            path = provider.path[-1].replace("{token}", token) + path
        elif provider.basic is not None:
            pair = provider.basic.replace("{token}", token).encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        else:
            template = provider.header_template(token)
            headers[provider.header[0]] = template.replace("{token}", token)
        assert talk.ask(url + path, headers=headers).status == 200
        assert talk.ask(f"{url}/echo", headers=elsewhere).status == 401
        for name in provider.extra_headers:
            less = {key: value for key, value in headers.items() if key != name}
            assert talk.ask(url + path, headers=less).status == 400
        server.expire(slug)
        assert talk.ask(url + path, headers=headers).status == 401


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer nonsense", "bearer-less", "Basic !!", "Basic /w=="]
)
def test_a_foreign_credential_is_refused(server: LocalVendo, header: str) -> None:
    answer = ask(server.provider_url("gmail") + PROFILE, headers={"Authorization": header})
    assert answer.status == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json["error"]["code"] == 401


def test_a_key_that_is_told_by_its_prefix_is_no_bearer_token() -> None:
    with LocalVendo({"linear": {"token": "lin_api_1"}}) as server:
        url, key = f"{server.provider_url('linear')}/echo", server.token("linear")
        assert ask(url, headers={"Authorization": key}).status == 200
        assert ask(url, headers=bearer(key)).status == 401
        token = server.rotate("linear")
        assert ask(url, headers=bearer(token)).status == 200
        assert ask(url, headers={"Authorization": token}).status == 401


@pytest.mark.parametrize("slug", ["openai", "anthropic", "telegram"])
def test_the_provider_of_a_managed_pool_takes_the_keys_at_its_proxy(slug: str) -> None:
    pool = {slug: {"profile": "vendo_managed_pool", "omit": ["credential"]}, "gmail": {}}
    with LocalVendo(pool) as server:
        url = f"{server.provider_url(slug)}/echo"
        rows = ask(f"{server.url}/api/deployments/me/connections", headers=bearer(server.api_key))
        row = next(row for row in rows.json["connections"] if row["slug"] == slug)
        wanted = dict.fromkeys(known(slug).extra_headers, "1")
        assert row["base_url"] == server.provider_url(slug)
        for key in (row["api_key"], server.api_key):
            assert ask(url, headers=bearer(key) | wanted).status == 200
        assert ask(url, headers=bearer(server.connection_key("gmail")) | wanted).status == 401
        assert ask(server.provider_url("gmail"), headers=bearer(server.api_key)).status == 401

        server.set_status(slug, "revoked")
        assert ask(url, headers=bearer(row["api_key"]) | wanted).status == 401
        server.set_status(slug, "connected")
        server.revoke_key()
        assert ask(url, headers=bearer(server.api_key) | wanted).status == 401


def test_a_malformed_basic_credential_is_refused() -> None:
    providers = [catalog.provider(slug) for slug in catalog.slugs()]
    slug = next(provider.slug for provider in providers if provider and provider.basic)
    with LocalVendo([slug]) as server:
        for header in ("Basic !!", "Basic /w==", "Basic", "Digest x", "Basic dTpw"):
            answer = ask(f"{server.provider_url(slug)}/echo", headers={"Authorization": header})
            assert (answer.status, answer.headers["WWW-Authenticate"]) == (401, "Basic")


def test_a_token_of_another_provider_is_refused(server: LocalVendo) -> None:
    headers = bearer(server.token("openai"))
    assert ask(server.provider_url("gmail") + PROFILE, headers=headers).status == 401


@pytest.mark.parametrize("state", ["revoked", "needs_reauth"])
def test_a_connection_that_ended_has_no_good_token(server: LocalVendo, state: str) -> None:
    headers = bearer(server.token("gmail"))
    server.set_status("gmail", state)
    assert ask(server.provider_url("gmail") + PROFILE, headers=headers).status == 401
    server.set_status("gmail", "connected")
    assert ask(server.provider_url("gmail") + PROFILE, headers=headers).status == 200
    server.disconnect("gmail")
    assert ask(server.provider_url("gmail") + PROFILE, headers=headers).status == 401


def test_a_provider_outside_the_catalog_takes_a_bearer_token(server: LocalVendo) -> None:
    server.connect("in-house")
    assert call(server, "in-house", "/echo").status == 200


def test_echo_tells_what_arrived(server: LocalVendo) -> None:
    body = bytes(range(256)) * 4
    told = call(server, "openai", "/echo", "PUT", body=body, headers={"X-Mine": "1"}).json
    assert told["method"] == "PUT"
    assert told["length"] == len(body)
    assert told["sha256"] == hashlib.sha256(body).hexdigest()
    assert base64.b64decode(told["base64"]) == body
    assert {"authorization", "x-mine", "host"} <= set(told["headers"])


@pytest.mark.parametrize("status", [200, 204, 302, 404, 503])
def test_any_status_can_be_had(server: LocalVendo, status: int) -> None:
    with Talk(server.url) as talk:
        headers = bearer(server.token("openai"))
        for _ in range(2):  # the connection is in order afterwards
            url = f"{server.provider_url('openai')}/status/{status}"
            assert talk.ask(url, headers=headers).status == status
    assert server.connections_opened == 1


@pytest.mark.parametrize(
    "path",
    [
        "/status/100",
        "/status/x",
        "/status/%C2%B2",
        "/redirect",
        "/redirect?to=x&status=200",
        "/redirect?to=x&status=%C2%B2",
    ],
)
def test_what_cannot_be_asked_for(server: LocalVendo, path: str) -> None:
    assert call(server, "openai", path).status == 400


def test_a_redirect_leads_where_it_is_told(server: LocalVendo) -> None:
    answer = call(server, "openai", "/redirect?to=http%3A%2F%2Flocalhost%3A9%2Fx")
    assert (answer.status, answer.headers["Location"]) == (302, "http://localhost:9/x")
    answer = call(server, "openai", "/redirect?to=/y%0D%0ASet-Cookie:a&status=308")
    assert (answer.status, answer.headers["Location"]) == (308, "/ySet-Cookie:a")
    assert answer.headers["Set-Cookie"] is None


def test_any_other_path_tells_what_it_saw_without_the_credential(server: LocalVendo) -> None:
    token = server.token("gmail", "someone")
    answer = ask(
        f"{server.provider_url('gmail')}/v9/things?a=b",
        "PATCH",
        {**bearer(token), "Cookie": "c=secret", "X-Mine": "1"},
        "text",
    )
    told = answer.json
    assert (told["method"], told["path"], told["query"]) == ("PATCH", "/v9/things", {"a": "b"})
    assert (told["body"], told["headers"]["x-mine"]) == ("text", "1")
    assert told["user"].startswith("user-")
    assert token not in answer.text
    assert "secret" not in answer.text


def test_gmail_has_a_profile(server: LocalVendo) -> None:
    profile = call(server, "gmail", PROFILE).json
    assert profile["emailAddress"] == "owner@example.com"
    assert profile["messagesTotal"] == 5


def test_each_user_has_a_mailbox_of_their_own(server: LocalVendo) -> None:
    addresses = {
        ask(
            server.provider_url("gmail") + PROFILE, headers=bearer(server.token("gmail", user))
        ).json["emailAddress"]
        for user in (None, "one", "two", "a.eyJzdWIiOiAidTFAZXhhbXBsZS5vcmcifQ.c")
    }
    assert len(addresses) == 4
    assert "u1@example.org" in addresses


def test_gmail_lists_messages_in_pages(server: LocalVendo) -> None:
    messages = "/gmail/v1/users/me/messages"
    whole = call(server, "gmail", messages).json
    assert len(whole["messages"]) == whole["resultSizeEstimate"] == 5
    first = call(server, "gmail", f"{messages}?maxResults=3").json
    token = first["nextPageToken"]
    second = call(server, "gmail", f"{messages}?maxResults=3&pageToken={token}").json
    assert first["messages"] + second["messages"] == whole["messages"]
    assert "nextPageToken" not in second
    assert call(server, "gmail", f"{messages}?q=invoice").json["resultSizeEstimate"] == 1
    assert call(server, "gmail", f"{messages}?q=absent").json == {"resultSizeEstimate": 0}


def test_gmail_gives_a_message(server: LocalVendo) -> None:
    messages = "/gmail/v1/users/me/messages"
    message_id = call(server, "gmail", f"{messages}?q=invoice").json["messages"][0]["id"]
    message = call(server, "gmail", f"{messages}/{message_id}").json
    assert message["id"] == message_id
    headers = {header["name"]: header["value"] for header in message["payload"]["headers"]}
    assert headers["To"] == "owner@example.com"
    text = base64.urlsafe_b64decode(message["payload"]["body"]["data"]).decode()
    assert text.startswith(message["snippet"])
    assert int(message["internalDate"]) > 0
    for missing in (f"{messages}/none", "/gmail/v1/users/me/nothing"):
        answer = call(server, "gmail", missing)
        assert (answer.status, answer.json["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/v1/models", "/models"])
def test_openai_lists_models(server: LocalVendo, path: str) -> None:
    assert call(server, "openai", path).json["object"] == "list"


@pytest.mark.parametrize("encoded", [False, True])
def test_telegram_takes_its_token_in_the_path(server: LocalVendo, encoded: bool) -> None:
    token = server.token("telegram")
    url = server.provider_url("telegram")
    shown = "".join(f"%{ord(c):02X}" for c in token) if encoded else token
    assert ask(f"{url}/bot{shown}/getMe").json["result"]["is_bot"] is True
    other = ask(f"{url}/bot{shown}/getUpdates")
    assert other.json["path"] == "/getUpdates"
    assert token not in other.text
    for wrong in ("/botnonsense/getMe", "/getMe", f"/bot{token}x/getMe"):
        refused = ask(url + wrong)
        assert (refused.status, refused.json["ok"]) == (401, False)


def test_a_provider_needs_a_name(server: LocalVendo) -> None:
    assert ask(f"{server.url}/providers/").status == 404
    assert ask(f"{server.url}/providers/gmail").status == 401
