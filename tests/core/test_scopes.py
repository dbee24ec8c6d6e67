"""Clients of one user: the JWT on every call, separate tokens."""

from __future__ import annotations

import gc
import io
import weakref
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from vendo import IdentityNotPresent, ValidationError, Vendo
from vendo._tokens.cache import shared

if TYPE_CHECKING:
    from vendo.testing import LocalVendo

KEY = "vendo_sk_" + "k" * 32


def test_each_user_and_the_deployment_have_their_own_token(server: LocalVendo) -> None:
    client = server.client()
    clients = [client, client.for_user("one.jwt.x"), client.for_user("two.jwt.x")]
    tokens = [each.token("gmail") for each in clients]
    assert tokens == [
        server.token("gmail"),
        server.token("gmail", "one.jwt.x"),
        server.token("gmail", "two.jwt.x"),
    ]
    assert len(set(tokens)) == 3
    assert [each.token("gmail") for each in clients] == tokens
    assert server.count("credentials") == 3


def test_bulk_tokens_of_a_user_are_their_own(server: LocalVendo) -> None:
    client = server.client()
    client.tokens(["gmail", "slack"])
    found = client.for_user("one.jwt.x").tokens(["gmail", "slack"])
    assert found == {slug: server.token(slug, "one.jwt.x") for slug in ("gmail", "slack")}


def test_two_requests_of_one_user_share_the_cached_token(server: LocalVendo) -> None:
    client = server.client()
    first, second = (client.for_user("one.jwt.x").token("gmail") for _ in range(2))
    assert first == second
    assert server.count("credentials") == 1


def test_every_call_sends_the_jwt(server: LocalVendo) -> None:
    client = server.client().for_user("  one.jwt.x\n")
    client.token("gmail")
    client.tokens(["slack"])
    client.connections.list()
    client.integrations.list()
    client.integrations.get("gmail")
    client.billing.balance()
    client.billing.spend_caps()
    client.billing.usage()
    client.data.execute("GMAIL_FETCH_EMAILS")
    assert len(server.requests) == 9
    assert {request.headers["x-vendo-user-jwt"] for request in server.requests} == {"one.jwt.x"}
    assert {request.headers["authorization"] for request in server.requests} == {
        f"Bearer {server.api_key}"
    }


def test_the_deployments_own_client_sends_no_jwt(server: LocalVendo) -> None:
    client = server.client()
    client.for_user("one.jwt.x").token("gmail")
    client.token("gmail")
    assert "x-vendo-user-jwt" not in server.requests[-1].headers


def test_a_scoped_client_can_be_scoped_to_another_user(server: LocalVendo) -> None:
    one = server.client().for_user("one.jwt.x")
    two = one.for_user("two.jwt.x")
    assert two.token("gmail") == server.token("gmail", "two.jwt.x")
    assert one.token("gmail") == server.token("gmail", "one.jwt.x")


def test_scoped_clients_share_connections_and_need_not_be_closed(server: LocalVendo) -> None:
    client = server.client()
    for number in range(5):
        with client.for_user(f"user{number}.jwt.x") as scoped:
            scoped.token("gmail")
    client.token("gmail")
    assert server.connections_opened == 1


def test_cache_has_no_jwt(server: LocalVendo) -> None:
    server.client().for_user("canary.jwt.x").token("gmail")
    assert shared._entries
    assert not [key for key in shared._entries if "canary.jwt.x" in str(key)]


def test_a_scoped_client_is_freed_with_its_request(server: LocalVendo) -> None:
    client = server.client()
    scoped = client.for_user("one.jwt.x")
    scoped.token("gmail")
    gone = weakref.ref(scoped)
    del scoped
    gc.collect()
    assert gone() is None


@pytest.mark.parametrize("jwt", ["", "  ", None, 5])
def test_missing_jwt_raises_identity_not_present(jwt: Any) -> None:
    with pytest.raises(IdentityNotPresent) as caught:
        Vendo(KEY).for_user(jwt)
    assert caught.value.code == "identity_not_present"
    assert "X-Vendo-User-JWT" in (caught.value.suggested_fix or "")


@pytest.mark.parametrize("jwt", ["canary b", "canary\nX-Evil: 1", "canary\x00", "canaryé"])
def test_malformed_jwt_is_an_error(jwt: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Vendo(KEY).for_user(jwt)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Vendo-User-JWT": "one.jwt.x"},
        {"x-vendo-user-jwt": "one.jwt.x"},
        {"X-VENDO-USER-JWT": " one.jwt.x "},
        {"HTTP_X_VENDO_USER_JWT": "one.jwt.x", "REQUEST_METHOD": "GET", "wsgi.input": io.BytesIO()},
    ],
)
def test_request_headers_are_read_in_any_form(server: LocalVendo, headers: dict[str, Any]) -> None:
    client = server.client().for_request(headers)
    assert client.token("gmail") == server.token("gmail", "one.jwt.x")


@pytest.mark.parametrize("headers", [{}, {"X-Vendo-User-JWT": "  "}, {"X-Vendo-User-Id": "1"}])
def test_request_without_the_header_raises_identity_not_present(headers: dict[str, str]) -> None:
    with pytest.raises(IdentityNotPresent, match="no X-Vendo-User-JWT header"):
        Vendo(KEY).for_request(headers)


def test_functions_of_the_package_can_be_scoped(vendo_mode: LocalVendo) -> None:
    assert vendo.for_user("one.jwt.x").token("gmail") == vendo_mode.token("gmail", "one.jwt.x")
    scoped = vendo.for_request({"X-Vendo-User-JWT": "two.jwt.x"})
    assert scoped.token("gmail") == vendo_mode.token("gmail", "two.jwt.x")
