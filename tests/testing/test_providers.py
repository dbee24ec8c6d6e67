from __future__ import annotations

import base64
import hashlib
import json
import struct
from typing import Any

import pytest

from testing.local_http import KeptConnection, Response, bearer, send
from vendo._catalog import catalog
from vendo.testing import LocalVendo

PROFILE = "/gmail/v1/users/me/profile"


def known(slug: str) -> catalog.Provider:
    provider = catalog.provider(slug)
    assert provider is not None
    return provider


def call(server: LocalVendo, slug: str, path: str, method: str = "GET", **kwargs: Any) -> Response:
    headers = {**bearer(server.token(slug)), **kwargs.pop("headers", {})}
    return send(server.provider_url(slug) + path, method, headers, **kwargs)


def is_rejected(slug: str, response: Response) -> bool:
    if slug == "slack":
        return response.status == 200 and response.json == {"ok": False, "error": "invalid_auth"}
    return response.status == 401


@pytest.mark.parametrize("slug", catalog.slugs())
def test_credential_is_accepted_only_in_the_catalogs_place(slug: str) -> None:
    provider = known(slug)
    with LocalVendo([slug]) as server, KeptConnection(server.url) as kept:
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
        assert kept.send(url + path, headers=headers).status == 200
        assert is_rejected(slug, kept.send(f"{url}/echo", headers=elsewhere))
        for name in provider.extra_headers:
            less = {key: value for key, value in headers.items() if key != name}
            assert kept.send(url + path, headers=less).status == 400
        server.expire(slug)
        assert is_rejected(slug, kept.send(url + path, headers=headers))


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer nonsense", "bearer-less", "Basic !!", "Basic /w=="]
)
def test_unknown_credential_is_rejected(server: LocalVendo, header: str) -> None:
    response = send(server.provider_url("gmail") + PROFILE, headers={"Authorization": header})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer realm=")
    assert response.json["error"]["code"] == 401


def test_key_with_known_prefix_is_not_accepted_as_bearer_token() -> None:
    with LocalVendo({"linear": {"token": "lin_api_1"}}) as server:
        url, key = f"{server.provider_url('linear')}/echo", server.token("linear")
        assert send(url, headers={"Authorization": key}).status == 200
        assert send(url, headers=bearer(key)).status == 401
        token = server.rotate("linear")
        assert send(url, headers=bearer(token)).status == 200
        assert send(url, headers={"Authorization": token}).status == 200  # it may be either


@pytest.mark.parametrize("slug", ["openai", "anthropic", "telegram"])
def test_managed_pool_provider_accepts_api_keys(slug: str) -> None:
    pool = {slug: {"profile": "vendo_managed_pool", "omit": ["credential"]}, "gmail": {}}
    with LocalVendo(pool) as server:
        url = f"{server.provider_url(slug)}/echo"
        rows = send(f"{server.url}/api/deployments/me/connections", headers=bearer(server.api_key))
        row = next(row for row in rows.json["connections"] if row["slug"] == slug)
        wanted = dict.fromkeys(known(slug).extra_headers, "1")
        assert row["base_url"] == server.provider_url(slug)
        for key in (row["api_key"], server.api_key):
            assert send(url, headers=bearer(key) | wanted).status == 200
        assert send(url, headers=bearer(server.connection_key("gmail")) | wanted).status == 401
        assert send(server.provider_url("gmail"), headers=bearer(server.api_key)).status == 401

        server.set_status(slug, "revoked")
        assert send(url, headers=bearer(row["api_key"]) | wanted).status == 401
        server.set_status(slug, "connected")
        server.revoke_key()
        assert send(url, headers=bearer(server.api_key) | wanted).status == 401


def test_malformed_basic_credential_is_rejected() -> None:
    providers = [catalog.provider(slug) for slug in catalog.slugs()]
    slug = next(provider.slug for provider in providers if provider and provider.basic)
    with LocalVendo([slug]) as server:
        for header in ("Basic !!", "Basic /w==", "Basic", "Digest x", "Basic dTpw"):
            response = send(f"{server.provider_url(slug)}/echo", headers={"Authorization": header})
            assert response.status == 401
            assert response.headers["WWW-Authenticate"].startswith("Basic realm=")


def test_token_of_another_provider_is_rejected(server: LocalVendo) -> None:
    headers = bearer(server.token("openai"))
    assert send(server.provider_url("gmail") + PROFILE, headers=headers).status == 401


@pytest.mark.parametrize("state", ["revoked", "needs_reauth"])
def test_token_of_ended_connection_is_rejected(server: LocalVendo, state: str) -> None:
    headers = bearer(server.token("gmail"))
    server.set_status("gmail", state)
    assert send(server.provider_url("gmail") + PROFILE, headers=headers).status == 401
    server.set_status("gmail", "connected")
    assert send(server.provider_url("gmail") + PROFILE, headers=headers).status == 200
    server.disconnect("gmail")
    assert send(server.provider_url("gmail") + PROFILE, headers=headers).status == 401


def test_provider_outside_the_catalog_accepts_a_bearer_token(server: LocalVendo) -> None:
    server.connect("in-house")
    assert call(server, "in-house", "/echo").status == 200


def test_echo_describes_the_request(server: LocalVendo) -> None:
    body = bytes(range(256)) * 4
    echoed = call(server, "openai", "/echo", "PUT", body=body, headers={"X-Mine": "1"}).json
    assert echoed["method"] == "PUT"
    assert echoed["length"] == len(body)
    assert echoed["sha256"] == hashlib.sha256(body).hexdigest()
    assert base64.b64decode(echoed["base64"]) == body
    assert {"authorization", "x-mine", "host"} <= set(echoed["headers"])


@pytest.mark.parametrize("status", [200, 204, 302, 404, 503])
def test_status_path_returns_any_status(server: LocalVendo, status: int) -> None:
    with KeptConnection(server.url) as kept:
        headers = bearer(server.token("openai"))
        for _ in range(2):  # the connection is still usable afterwards
            url = f"{server.provider_url('openai')}/status/{status}"
            assert kept.send(url, headers=headers).status == status
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
def test_invalid_status_and_redirect_are_errors(server: LocalVendo, path: str) -> None:
    assert call(server, "openai", path).status == 400


def test_redirect_path_redirects_to_its_target(server: LocalVendo) -> None:
    response = call(server, "openai", "/redirect?to=http%3A%2F%2Flocalhost%3A9%2Fx")
    assert (response.status, response.headers["Location"]) == (302, "http://localhost:9/x")
    response = call(server, "openai", "/redirect?to=/y%0D%0ASet-Cookie:a&status=308")
    assert (response.status, response.headers["Location"]) == (
        308,
        "/providers/openai/ySet-Cookie:a",
    )
    assert response.headers["Set-Cookie"] is None


def test_other_paths_describe_the_request_without_credential(server: LocalVendo) -> None:
    token = server.token("gmail", "someone")
    response = send(
        f"{server.provider_url('gmail')}/v9/things?a=b",
        "PATCH",
        {**bearer(token), "Cookie": "c=secret", "X-Mine": "1"},
        "text",
    )
    body = response.json
    assert (body["method"], body["path"], body["query"]) == ("PATCH", "/v9/things", {"a": "b"})
    assert (body["body"], body["headers"]["x-mine"]) == ("text", "1")
    assert body["user"].startswith("user-")
    assert token not in response.text
    assert "secret" not in response.text


def test_gmail_has_a_profile(server: LocalVendo) -> None:
    profile = call(server, "gmail", PROFILE).json
    assert profile["emailAddress"] == "owner@example.com"
    assert profile["messagesTotal"] == 5


def test_each_user_has_their_own_mailbox(server: LocalVendo) -> None:
    addresses = {
        send(
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


def test_gmail_returns_a_message(server: LocalVendo) -> None:
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
        response = call(server, "gmail", missing)
        assert (response.status, response.json["error"]["status"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("path", ["/v1/models", "/models"])
def test_openai_lists_models(server: LocalVendo, path: str) -> None:
    assert call(server, "openai", path).json["object"] == "list"


@pytest.mark.parametrize(
    ("slug", "path", "last"),
    [
        ("openai", "/v1/chat/completions", "[DONE]"),
        ("openai", "/v1/responses", "response.completed"),
        ("anthropic", "/v1/messages", "message_stop"),
        ("huggingface", "/v1/chat/completions", "[DONE]"),
    ],
)
def test_model_writes_a_text_whole_or_streamed(
    server: LocalVendo, slug: str, path: str, last: str
) -> None:
    server.connect(slug)
    headers = {
        "Content-Type": "application/json",
        "anthropic-version": "2023-06-01",
        "x-api-key": server.token(slug),
    }
    whole = call(server, slug, path, "POST", body=b"{}", headers=headers)
    assert "Hello from the local server." in whole.text
    body = b'{"stream": true, "model": "mine"}'
    streamed = call(server, slug, path, "POST", body=body, headers=headers)
    assert streamed.headers["Content-Type"] == "text/event-stream"
    events = streamed.text.strip().split("\n\n")
    assert '"mine"' in events[0]
    assert last in events[-1]
    for piece in ("Hello", " from", " the", " local", " server."):
        assert sum(f'"{piece}"' in event for event in events) == 1


@pytest.mark.parametrize(
    ("given", "vectors"), [("Hello", 1), (["Hello", "again"], 2), ([1, 2], 1), ([[1], [2, 3]], 2)]
)
def test_openai_has_an_embedding_for_each_text(
    server: LocalVendo, given: Any, vectors: int
) -> None:
    for encoding, expected in (
        ("float", [0.5, -0.25, 0.125]),
        ("base64", base64.b64encode(struct.pack("<3f", 0.5, -0.25, 0.125)).decode()),
    ):
        body = json.dumps({"input": given, "encoding_format": encoding, "model": "mine"}).encode()
        headers = {"Content-Type": "application/json"}
        found = call(server, "openai", "/embeddings", "POST", body=body, headers=headers).json
        assert found["model"] == "mine"
        assert [one["embedding"] for one in found["data"]] == [expected] * vectors


@pytest.mark.parametrize("encoded", [False, True])
def test_telegram_accepts_its_token_in_the_path(server: LocalVendo, encoded: bool) -> None:
    token = server.token("telegram")
    url = server.provider_url("telegram")
    shown = "".join(f"%{ord(c):02X}" for c in token) if encoded else token
    assert send(f"{url}/bot{shown}/getMe").json["result"]["is_bot"] is True
    file = send(f"{url}/bot{shown}/getFile?file_id=1").json["result"]["file_path"]
    assert send(f"{url}/file/bot{shown}/{file}").text == "Hello from the local server."
    other = send(f"{url}/bot{shown}/getChat")
    assert other.json["path"] == "/getChat"
    assert token not in other.text
    for wrong in ("/botnonsense/getMe", "/getMe", f"/bot{token}x/getMe"):
        rejected = send(url + wrong)
        assert (rejected.status, rejected.json["ok"]) == (401, False)


def test_provider_path_needs_a_slug(server: LocalVendo) -> None:
    assert send(f"{server.url}/providers/").status == 404
    assert send(f"{server.url}/providers/gmail").status == 401
