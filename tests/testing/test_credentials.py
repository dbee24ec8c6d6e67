from __future__ import annotations

import base64
import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from testing.local_http import Response, bearer, send, with_key
from vendo.testing import LocalVendo
from vendo.testing._state.connections import Connections
from vendo.testing._state.own_tokens import OwnTokens


def jwt(**claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{payload}.c2lnbmF0dXJl"


def lifetime(response: Response) -> float:
    """Return the seconds until the token expires, by the server's clock."""
    expires = datetime.fromisoformat(response.json["expires_at"])
    return (expires - parsedate_to_datetime(response.headers["Date"])).total_seconds()


def test_token_response_has_type_and_expiry(server: LocalVendo) -> None:
    response = with_key(server, "/credentials/gmail")
    assert response.status == 200
    assert response.json == {
        "access_token": server.token("gmail"),
        "expires_at": response.json["expires_at"],
        "token_type": "Bearer",
    }
    assert response.headers["Content-Type"] == "application/json"
    assert lifetime(response) == pytest.approx(3600, abs=60)


def test_token_is_the_same_until_shortly_before_its_expiry(server: LocalVendo) -> None:
    assert (
        with_key(server, "/credentials/gmail").json == with_key(server, "/credentials/gmail").json
    )


def test_expired_token_is_replaced_and_rejected() -> None:
    with LocalVendo({"gmail": {"lifetime": 0.0}}) as server:
        first = with_key(server, "/credentials/gmail").json["access_token"]
        assert with_key(server, "/credentials/gmail").json["access_token"] != first
        profile = f"{server.provider_url('gmail')}/gmail/v1/users/me/profile"
        assert send(profile, headers=bearer(first)).status == 401


@pytest.mark.parametrize(("life", "early"), [(3600.0, 300.0), (60.0, 30.0)])
def test_token_is_replaced_before_its_expiry_and_stays_valid(life: float, early: float) -> None:
    connections = Connections({"gmail": {}}, b"secret", OwnTokens(b"secret"), life)
    first = connections.issue("gmail", None)
    first.made.at -= life - early - 20
    assert connections.issue("gmail", None) is first
    first.made.at -= 20
    second = connections.issue("gmail", None)
    assert second.text != first.text
    assert connections.holder("gmail", first.text) is first
    first.made.at -= early
    assert connections.holder("gmail", first.text) is None
    assert connections.holder("gmail", second.text) is second


@pytest.mark.parametrize("where", ["server", "connection"])
def test_token_without_lifetime_has_no_expiry(where: str) -> None:
    connections: dict[str, Any] = {"gmail": {"lifetime": None} if where == "connection" else None}
    token_lifetime = None if where == "server" else 3600.0
    with LocalVendo(connections, token_lifetime=token_lifetime) as server:
        assert with_key(server, "/credentials/gmail").json["expires_at"] is None


def test_token_option_is_only_the_first_token() -> None:
    with LocalVendo({"gmail": {"token": "ya29.given"}}) as server:
        assert with_key(server, "/credentials/gmail").json["access_token"] == "ya29.given"
        server.expire("gmail")
        assert with_key(server, "/credentials/gmail").json["access_token"] != "ya29.given"


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "app_unknown"),
        ({"Authorization": "Bearer"}, "app_unknown"),
        ({"Authorization": "Basic dTpw"}, "app_unknown"),
        (bearer("vendo_sk_" + "x" * 32), "app_unknown"),
    ],
)
def test_request_without_valid_key_is_rejected(
    server: LocalVendo, headers: dict[str, str], code: str
) -> None:
    response = send(f"{server.credentials_url}/gmail", headers=headers)
    assert (response.status, response.code) == (401, code)
    assert response.json == {"error": "Unauthorized", "detail": response.json["detail"]}
    assert code not in response.text


@pytest.mark.parametrize("code", ["app_unknown", "app_revoked", "app_expired"])
def test_revoked_key_is_accepted_after_restore(server: LocalVendo, code: str) -> None:
    server.revoke_key(code)
    for path in ("/credentials/gmail", "/api/billing/balance"):
        response = with_key(server, path)
        assert (response.status, response.code) == (401, code)
    server.restore_key()
    assert with_key(server, "/credentials/gmail").status == 200


def test_revoke_key_accepts_only_codes_of_the_contract(server: LocalVendo) -> None:
    with pytest.raises(ValueError, match="app_revoked"):
        server.revoke_key("binding_missing")


@pytest.mark.parametrize(
    ("slug", "status", "code"),
    [
        ("stripe", 403, "binding_missing"),
        ("no-such-provider", 404, "provider_unknown"),
        ("GMAIL", 400, "validation_failed"),
        ("_gmail", 400, "validation_failed"),
        ("gm%20ail", 400, "validation_failed"),
    ],
)
def test_slug_without_connection_is_an_error(
    server: LocalVendo, slug: str, status: int, code: str
) -> None:
    response = with_key(server, f"/credentials/{slug}")
    assert (response.status, response.code) == (status, code)
    assert set(response.json) == {"error", "detail"}


@pytest.mark.parametrize(
    ("state", "status", "code"),
    [
        ("needs_reauth", 401, "connection_needs_reauth"),
        ("revoked", 403, "connection_revoked"),
        ("available", 403, "binding_missing"),
        ("pending_setup", 403, "binding_missing"),
        ("error", 502, "upstream_error"),
    ],
)
def test_unusable_connection_is_an_error(
    server: LocalVendo, state: str, status: int, code: str
) -> None:
    server.set_status("gmail", state)
    response = with_key(server, "/credentials/gmail")
    assert (response.status, response.code) == (status, code)
    with pytest.raises(ValueError, match="No token for gmail"):
        server.token("gmail")
    server.set_status("gmail", "connected")
    assert with_key(server, "/credentials/gmail").status == 200


@pytest.mark.parametrize("profile", ["webhook_inbound", "user_oauth"])
def test_some_profiles_have_no_token(profile: str) -> None:
    with LocalVendo({"gmail": {"profile": profile}}) as server:
        response = with_key(server, "/credentials/gmail")
        assert (response.status, response.code) == (500, "profile_unsupported")


def test_connection_key_is_valid_for_one_slug(server: LocalVendo) -> None:
    key = server.connection_key("gmail")
    assert key.startswith("vendo_sk_")
    assert len(key) == len("vendo_sk_") + 32
    assert send(f"{server.credentials_url}/gmail", headers=bearer(key)).status == 200
    other = send(f"{server.credentials_url}/openai", headers=bearer(key))
    assert (other.status, other.code) == (403, "binding_missing")
    bulk = send(f"{server.credentials_url}/_bulk?slugs=gmail,openai", headers=bearer(key)).json
    assert bulk["tokens"]["openai"] is None
    assert bulk["tokens"]["gmail"] is not None
    server.revoke_key()
    revoked = send(f"{server.credentials_url}/gmail", headers=bearer(key))
    assert (revoked.status, revoked.code) == (401, "app_revoked")


def test_bulk_returns_null_for_slug_without_credential(server: LocalVendo) -> None:
    response = with_key(server, "/credentials/_bulk?slugs=gmail,stripe,no%2Dsuch")
    assert response.json == {
        "tokens": {
            "gmail": {
                "access_token": server.token("gmail"),
                "expires_at": response.json["tokens"]["gmail"]["expires_at"],
            },
            "stripe": None,
            "no-such": None,
        }
    }


@pytest.mark.parametrize("query", ["", "?slugs=", "?slugs=,", "?slugs=gmail,,openai", "?slugs=A"])
def test_malformed_bulk_request_is_an_error(server: LocalVendo, query: str) -> None:
    response = with_key(server, f"/credentials/_bulk{query}")
    assert (response.status, response.code) == (400, "validation_failed")


def test_encoded_comma_is_part_of_the_slug(server: LocalVendo) -> None:
    assert with_key(server, "/credentials/_bulk?slugs=gmail%2Copenai").code == "validation_failed"


def test_each_user_has_their_own_token(server: LocalVendo) -> None:
    first, second = jwt(sub="user-1"), jwt(sub="user-2")
    own = server.token("gmail")
    tokens = [
        with_key(server, "/credentials/gmail", X_Vendo_User_JWT=user).json["access_token"]
        for user in (first, second, "opaque-1", "opaque-2")
    ]
    assert len({own, *tokens}) == 5
    assert tokens[0] == server.token("gmail", first)
    assert tokens[2] == server.token("gmail", "opaque-1")


def test_renewed_jwt_is_the_same_user(server: LocalVendo) -> None:
    assert server.token("gmail", jwt(sub="u", iat=1)) == server.token("gmail", jwt(sub="u", iat=2))


@pytest.mark.parametrize("user", ["a.b.c", "a.W10.c", "a.eyJzdWIiOiA1fQ.c", "  .  .  "])
def test_malformed_jwt_is_a_user_too(server: LocalVendo, user: str) -> None:
    assert server.token("gmail", user) not in {server.token("gmail"), server.token("gmail", "x")}


def test_blank_jwt_is_the_deployment(server: LocalVendo) -> None:
    assert server.token("gmail", "  ") == server.token("gmail")


def test_bulk_returns_the_users_tokens(server: LocalVendo) -> None:
    response = with_key(server, "/credentials/_bulk?slugs=gmail", X_Vendo_User_JWT="someone")
    assert response.json["tokens"]["gmail"]["access_token"] == server.token("gmail", "someone")


def test_rotate_replaces_the_token(server: LocalVendo) -> None:
    before = server.token("gmail")
    after = server.rotate("gmail")
    assert after != before
    assert with_key(server, "/credentials/gmail").json["access_token"] == after


def test_expire_accepts_one_user(server: LocalVendo) -> None:
    own, other = server.token("gmail"), server.token("gmail", "someone")
    server.expire("gmail", "someone")
    assert server.token("gmail") == own
    assert server.token("gmail", "someone") != other
    server.expire("gmail")
    assert server.token("gmail") != own


def test_clock_offset_changes_dates_but_not_lifetimes(server: LocalVendo) -> None:
    before = parsedate_to_datetime(with_key(server, "/credentials/gmail").headers["Date"])
    server.set_clock_offset(-86_400 * 365)
    response = with_key(server, "/credentials/gmail")
    gone_back = before - parsedate_to_datetime(response.headers["Date"])
    assert gone_back.total_seconds() == pytest.approx(86_400 * 365, abs=60)
    assert lifetime(response) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("act", ["rotate", "expire", "token", "disconnect"])
def test_changing_an_unknown_connection_raises_key_error(server: LocalVendo, act: str) -> None:
    with pytest.raises(KeyError):
        getattr(server, act)("stripe")
    with pytest.raises(KeyError):
        server.set_status("stripe", "revoked")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_worker_accepts_only_get(server: LocalVendo, method: str) -> None:
    response = send(f"{server.credentials_url}/gmail", method, bearer(server.api_key))
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/credentials", "/credentials/", "/credentials/gmail/more"])
def test_unknown_worker_paths_are_not_found(server: LocalVendo, path: str) -> None:
    assert with_key(server, path).status == 404
