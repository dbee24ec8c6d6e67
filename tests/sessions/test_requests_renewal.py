"""The requests session: where the token is placed, and how a 401 is handled."""

from __future__ import annotations

import base64
import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest
import requests
from requests.adapters import HTTPAdapter

import vendo
from sessions.foreign import Reply
from vendo._catalog import catalog
from vendo.testing import LocalVendo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sessions.foreign import Foreign

BODY = bytes(range(256)) * 64


def provider_calls(server: LocalVendo) -> int:
    return server.count("provider")


@pytest.mark.parametrize("slug", catalog.slugs())
def test_token_is_placed_as_the_provider_requires(
    slug: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalVendo([slug]) as server:
        for name, value in server.environment(slug).items():
            monkeypatch.setenv(name, value)
        with vendo.Vendo() as client:
            session = client.session(slug)
            assert session.get("echo").status_code == 200
            server.expire(slug)
            assert session.get("/echo").status_code == 200
            assert client.auth(slug)  # requests treats a false auth as missing
        assert [request.slug for request in server.requests if request.surface == "provider"] == [
            slug
        ] * 3


def test_a_401_is_renewed_and_in_the_history(client: vendo.Vendo, server: LocalVendo) -> None:
    session = client.session("gmail")
    session.get("gmail/v1/users/me/profile")
    server.expire("gmail")
    server.clear_requests()

    response = session.get("gmail/v1/users/me/profile")

    assert response.status_code == 200
    assert response.json()["emailAddress"]
    assert [step.status_code for step in response.history] == [401]
    assert response.history[0].json()["error"]["code"] == 401
    assert response.elapsed.total_seconds() > 0
    assert (server.count("credentials"), provider_calls(server)) == (1, 2)


def test_the_new_token_is_kept(client: vendo.Vendo, server: LocalVendo) -> None:
    session = client.session("gmail")
    session.get("x")
    server.expire("gmail")
    session.get("x")
    server.clear_requests()

    assert not session.get("x").history
    assert server.count("credentials") == 0


def test_second_401_is_returned_to_the_caller(client: vendo.Vendo, server: LocalVendo) -> None:
    session = client.session("gmail")
    session.get("x")
    server.expire("gmail")
    server.fail("provider", status=401, times=None)
    server.clear_requests()

    response = session.get("x")

    assert response.status_code == 401
    assert [step.status_code for step in response.history] == [401]
    assert (server.count("credentials"), provider_calls(server)) == (1, 2)


def test_unchanged_token_is_not_tried_twice(client: vendo.Vendo, server: LocalVendo) -> None:
    server.fail("provider", status=401, times=None)
    session = client.session("gmail")

    response = session.post("x", data=BODY)

    assert response.status_code == 401
    assert not response.history
    assert provider_calls(server) == 1
    assert server.count("credentials") == 2  # it requested a newer one


def test_in_oss_mode_an_unchanged_variable_returns_the_401(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_API_KEY")
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "stale")

    response = vendo.Vendo().session("gmail").get("x")

    assert response.status_code == 401
    assert provider_calls(server) == 1
    assert server.count("credentials") == 0


def test_in_oss_mode_a_changed_variable_is_tried(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VENDO_API_KEY")
    monkeypatch.setenv("GMAIL_ACCESS_TOKEN", "stale")
    session = vendo.Vendo().session("gmail")
    with server.hold("provider") as gate, ThreadPoolExecutor(1) as pool:
        pending = pool.submit(session.get, "x")
        gate.wait_for(1)
        monkeypatch.setenv("GMAIL_ACCESS_TOKEN", server.token("gmail"))
        gate.release()
        response = pending.result()

    assert response.status_code == 200
    assert [step.status_code for step in response.history] == [401]


def test_fifty_rejections_of_one_token_make_one_refresh(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    session = client.session("gmail")
    session.get("x")
    server.expire("gmail")
    server.clear_requests()
    barrier = Barrier(50)

    def send(_: int) -> int:
        barrier.wait()
        return session.get("x").status_code

    with server.hold("provider") as gate, ThreadPoolExecutor(50) as pool:
        pending = pool.map(send, range(50))
        gate.wait_for(50)  # each has sent the old token
        gate.release()
        assert set(pending) == {200}

    assert server.count("credentials") == 1
    assert provider_calls(server) == 100


def test_newer_token_in_the_cache_is_used_without_a_refresh(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    slow, quick = client.session("gmail"), client.session("gmail")
    slow.get("x")
    server.expire("gmail")
    with server.hold("provider") as gate, ThreadPoolExecutor(1) as pool:
        pending = pool.submit(slow.get, "x")
        gate.wait_for(1)
        client.invalidate("gmail")
        client.token("gmail")  # another caller has refreshed
        server.clear_requests()
        gate.release()
        assert pending.result().status_code == 200

    assert quick.get("x").status_code == 200
    assert server.count("credentials") == 0


def test_failed_renewal_is_raised_and_the_response_closed(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    session = client.session("gmail")
    session.mount("http://", HTTPAdapter(pool_maxsize=1, pool_block=True))
    session.get("x")
    server.set_status("gmail", "needs_reauth")
    with pytest.raises(vendo.NeedsReauth):
        session.get("x", stream=True)

    server.set_status("gmail", "connected")
    assert session.get("x", timeout=10).status_code == 200  # the pool's one connection is free


def test_without_a_token_nothing_is_sent(client: vendo.Vendo, server: LocalVendo) -> None:
    with pytest.raises(vendo.NotConnected):
        client.session("notion", base_url=server.provider_url("notion")).get("x")
    assert provider_calls(server) == 0


# Bodies


class Again:
    """An iterable that can be read again."""

    def __iter__(self) -> Iterator[bytes]:
        return iter([BODY[:100], BODY[100:]])


def at(position: int) -> io.BytesIO:
    stream = io.BytesIO(BODY)
    stream.seek(position)
    return stream


@pytest.mark.parametrize(
    ("sending", "expected"),
    [
        (lambda: {"data": BODY}, BODY),
        (lambda: {"data": "text"}, b"text"),
        (lambda: {"data": at(0)}, BODY),
        (lambda: {"data": at(100)}, BODY[100:]),
        (lambda: {"data": {"a": "b"}}, b"a=b"),
        (lambda: {"json": {"a": [1]}}, b'{"a": [1]}'),
        (lambda: {"data": Again()}, BODY),
        (dict, b""),
    ],
    ids=["bytes", "text", "stream", "stream from inside", "form", "json", "iterable", "none"],
)
def test_a_body_is_sent_again_byte_for_byte(
    client: vendo.Vendo,
    server: LocalVendo,
    sending: Callable[[], dict[str, Any]],
    expected: bytes,
) -> None:
    session = client.session("gmail")
    session.get("x")
    server.expire("gmail")

    response = session.post("echo", **sending())

    assert [step.status_code for step in response.history] == [401]
    assert base64.b64decode(response.json()["base64"]) == expected
    assert [r.body for r in server.requests if r.path.endswith("/echo")] == [expected] * 2


def test_file_is_sent_again_from_its_position(
    client: vendo.Vendo, server: LocalVendo, tmp_path: Path
) -> None:
    path = tmp_path / "upload"
    path.write_bytes(BODY)
    session = client.session("gmail")
    session.get("x")
    server.expire("gmail")
    with path.open("rb") as file:
        file.seek(7)
        response = session.put("echo", data=file)

    assert response.json()["sha256"] == hashlib.sha256(BODY[7:]).hexdigest()
    assert response.history


def test_files_of_a_form_are_sent_again(client: vendo.Vendo, server: LocalVendo) -> None:
    session = client.session("gmail")
    session.get("x")
    server.expire("gmail")

    response = session.post("echo", files={"upload": ("name", at(0))}, data={"a": "b"})

    assert response.history
    first, second = (r.body for r in server.requests if r.path.endswith("/echo"))
    assert first == second
    assert BODY in second


class Pipe(io.BytesIO):
    """A stream without a position, like a socket."""

    def tell(self) -> int:
        raise OSError

    def seek(self, *_: Any) -> int:
        raise OSError


class Stuck(io.BytesIO):
    """A stream with a position that cannot be restored."""

    def seek(self, *_: Any) -> int:
        raise OSError


@pytest.mark.parametrize(
    "body",
    [lambda: iter([BODY]), lambda: Pipe(BODY), lambda: Stuck(BODY)],
    ids=["generator", "pipe", "stuck"],
)
def test_consumed_body_is_not_sent_twice(
    client: vendo.Vendo, server: LocalVendo, body: Callable[[], Any]
) -> None:
    session = client.session("gmail")
    session.get("x")
    server.expire("gmail")
    server.clear_requests()

    response = session.post("echo", data=body())

    assert response.status_code == 401
    assert response.json()["error"]["code"] == 401
    assert not response.history
    assert (server.count("credentials"), provider_calls(server)) == (1, 1)
    assert session.get("echo").status_code == 200  # the token was still renewed
    assert server.count("credentials") == 1


# The first response returns its connection


@pytest.mark.parametrize("stream", [False, True])
def test_a_pool_of_one_connection_is_enough(
    client: vendo.Vendo, server: LocalVendo, stream: bool
) -> None:
    session = client.session("gmail")
    session.mount("http://", HTTPAdapter(pool_connections=1, pool_maxsize=1, pool_block=True))
    session.get("x")
    server.expire("gmail")

    response = session.post("echo", data=BODY, stream=stream, timeout=10)

    assert response.json()["length"] == len(BODY)
    assert response.history[0].status_code == 401
    assert server.connections_opened == 2  # one of the session, one of the client


@pytest.mark.parametrize(
    ("rejection", "connections"),
    [
        (Reply(401, {}, b"x" * 1000), 1),
        (Reply(401, {}, b"x" * 100_000), 2),
        (Reply(401, {"Content-Length": "100", "Connection": "close"}, b"cut"), 2),
    ],
    ids=["short", "long", "cut off"],
)
def test_rejection_with_a_body_of_any_length_is_renewed(
    monkeypatch: pytest.MonkeyPatch, foreign: Foreign, rejection: Reply, connections: int
) -> None:
    def reply(seen: Any) -> Reply:
        if seen.headers["Authorization"] == "Bearer new":
            return Reply(200, {}, b"done")
        monkeypatch.setenv("VENDO_TOKEN_OPENAI", "new")
        return rejection

    foreign.replies["/x"] = reply
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "old")
    session = vendo.Vendo().session("openai", base_url=foreign.url)
    session.mount("http://", HTTPAdapter(pool_maxsize=1, pool_block=True))

    response = session.get("x", stream=True, timeout=10)

    assert response.content == b"done"
    assert foreign.connections == connections


def test_cookies_of_a_401_are_sent_with_the_second_try(
    monkeypatch: pytest.MonkeyPatch, foreign: Foreign
) -> None:
    def reply(seen: Any) -> Reply:
        if seen.headers["Authorization"] == "Bearer new":
            return Reply()
        monkeypatch.setenv("VENDO_TOKEN_OPENAI", "new")
        return Reply(401, {"Set-Cookie": "seen=1"})

    foreign.replies["/x"] = reply
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "old")

    assert vendo.Vendo().session("openai", base_url=foreign.url).get("x").status_code == 200
    assert [seen.headers["Cookie"] for seen in foreign.seen] == [None, "seen=1"]


# The caller's own credential


@pytest.mark.parametrize(
    ("slug", "headers"),
    [
        ("gmail", {"Authorization": "Bearer mine"}),
        ("anthropic", {"X-API-Key": "mine"}),
        ("anthropic", {"authorization": "Bearer mine"}),
    ],
)
def test_callers_own_credential_wins_and_is_not_renewed(
    client: vendo.Vendo, server: LocalVendo, slug: str, headers: dict[str, str]
) -> None:
    response = client.session(slug).get("x", headers=headers)

    assert response.status_code == 401
    assert server.count("credentials") == 0
    [seen] = [request for request in server.requests if request.surface == "provider"]
    name, value = next(iter(headers.items()))
    assert seen.headers[name] == value
    assert ("x-api-key" in seen.headers) == (name.lower() == "x-api-key")


def test_an_authorization_header_of_the_session_wins(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    session = client.session("gmail")
    session.headers["Authorization"] = f"Bearer {server.token('gmail')}"

    assert session.get("x").status_code == 200
    assert session.get("x", headers={"Authorization": None}).status_code == 200  # ours again
    assert server.count("credentials") == 1


def test_callers_own_auth_replaces_ours(client: vendo.Vendo, foreign: Foreign) -> None:
    client.session("gmail").get(f"{foreign.url}/x", auth=("user", "password"))

    assert foreign.seen[0].headers["Authorization"].startswith("Basic ")


def test_callers_token_in_the_path_wins(client: vendo.Vendo, server: LocalVendo) -> None:
    token = server.token("telegram")

    assert client.session("telegram").get(f"bot{token}/getMe").json()["ok"]
    assert server.count("credentials") == 0


def test_default_header_of_a_provider_can_be_set(client: vendo.Vendo, server: LocalVendo) -> None:
    session = client.session("anthropic")

    assert session.get("x").json()["headers"]["anthropic-version"] == "2023-06-01"
    chosen = session.get("x", headers={"Anthropic-Version": "2024-01-01"})
    assert chosen.json()["headers"]["anthropic-version"] == "2024-01-01"


# Hosts


def test_foreign_host_is_an_error_before_anything_is_sent(
    client: vendo.Vendo, server: LocalVendo, foreign: Foreign
) -> None:
    session = client.session("gmail")
    with pytest.raises(vendo.ValidationError, match="not sent to 127"):
        session.get(f"{foreign.url}/x")

    assert not foreign.seen
    assert server.count("credentials") == 0
    allowed = client.session("gmail", hosts=[f"127.0.0.1:{foreign.port}"])
    assert allowed.get(f"{foreign.url}/x").ok


def test_a_slug_outside_the_catalog_is_bound_to_its_first_host(
    foreign: Foreign, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_MYTOOL", "mine")
    session = vendo.Vendo().session("mytool")

    assert session.get(f"{foreign.url}/x").ok
    assert foreign.seen[0].headers["Authorization"] == "Bearer mine"
    with pytest.raises(vendo.ValidationError):
        session.get(f"http://localhost:{foreign.port}/x")


@pytest.mark.parametrize("url", ["gmail/v1/users/me/profile", "/gmail/v1/users/me/profile"])
@pytest.mark.parametrize("kind", [str, str.encode])
def test_a_relative_url_comes_after_the_base_url(
    client: vendo.Vendo, url: str, kind: Callable[[str], Any]
) -> None:
    assert client.session("gmail").get(kind(url)).json()["emailAddress"]


def test_callers_request_is_prepared_and_not_changed(client: vendo.Vendo) -> None:
    session = client.session("gmail")
    request = requests.Request("GET", "gmail/v1/users/me/profile")

    prepared = session.prepare_request(request)

    assert request.url == "gmail/v1/users/me/profile"
    for _ in range(2):
        assert session.send(prepared, timeout=10).ok


def test_prepared_request_is_renewed_each_time_it_is_sent(
    client: vendo.Vendo, server: LocalVendo
) -> None:
    session = client.session("gmail")
    body = at(3)
    prepared = session.prepare_request(requests.Request("POST", "echo", data=body))
    server.expire("gmail")
    for _ in range(3):
        body.seek(3)
        response = session.send(prepared, timeout=10)
        assert response.json()["length"] == len(BODY) - 3
        assert [step.status_code for step in response.history] == [401]
    assert server.count("credentials") == 2


def test_each_user_has_their_own_token(client: vendo.Vendo, server: LocalVendo) -> None:
    both = [client.session("gmail"), client.for_user("a.b.c").session("gmail")]
    for _ in range(2):
        users = [session.get("x").json()["user"] for session in both]
        assert users[0] is None
        assert users[1] is not None
        server.expire("gmail", "a.b.c")
