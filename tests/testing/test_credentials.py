from __future__ import annotations

import base64
import json
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import pytest

from testing.local_http import Answer, ask, bearer, with_key
from vendo.testing import LocalVendo
from vendo.testing._state.connections import Connections

if TYPE_CHECKING:
    from typing import Any


def jwt(**claims: Any) -> str:
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"eyJhbGciOiJub25lIn0.{payload}.c2lnbmF0dXJl"


def lifetime(answer: Answer) -> float:
    """Seconds until the token expires, by the server's own clock."""
    expires = datetime.fromisoformat(answer.json["expires_at"])
    return (expires - parsedate_to_datetime(answer.headers["Date"])).total_seconds()


def test_a_token_comes_with_its_type_and_its_end(server: LocalVendo) -> None:
    answer = with_key(server, "/credentials/gmail")
    assert answer.status == 200
    assert answer.json == {
        "access_token": server.token("gmail"),
        "expires_at": answer.json["expires_at"],
        "token_type": "Bearer",
    }
    assert answer.headers["Content-Type"] == "application/json"
    assert lifetime(answer) == pytest.approx(3600, abs=5)


def test_the_same_token_is_handed_out_until_it_nears_its_end(server: LocalVendo) -> None:
    assert (
        with_key(server, "/credentials/gmail").json == with_key(server, "/credentials/gmail").json
    )


def test_a_token_at_its_end_is_replaced_and_refused() -> None:
    with LocalVendo({"gmail": {"lifetime": 0.0}}) as server:
        first = with_key(server, "/credentials/gmail").json["access_token"]
        assert with_key(server, "/credentials/gmail").json["access_token"] != first
        profile = f"{server.provider_url('gmail')}/gmail/v1/users/me/profile"
        assert ask(profile, headers=bearer(first)).status == 401


@pytest.mark.parametrize(("life", "early"), [(3600.0, 300.0), (60.0, 30.0)])
def test_a_token_that_nears_its_end_is_replaced_and_stays_good(life: float, early: float) -> None:
    now = 0.0
    connections = Connections({"gmail": {}}, b"secret", life, clock=lambda: now)
    first = connections.issue("gmail", None)
    now = life - early - 1
    assert connections.issue("gmail", None) is first
    now = life - early
    second = connections.issue("gmail", None)
    assert second.text != first.text
    assert connections.holder("gmail", first.text) is first
    now = life
    assert connections.holder("gmail", first.text) is None
    assert connections.holder("gmail", second.text) is second


@pytest.mark.parametrize("where", ["server", "connection"])
def test_a_token_that_does_not_expire_has_no_end(where: str) -> None:
    connections: dict[str, Any] = {"gmail": {"lifetime": None} if where == "connection" else None}
    token_lifetime = None if where == "server" else 3600.0
    with LocalVendo(connections, token_lifetime=token_lifetime) as server:
        assert with_key(server, "/credentials/gmail").json["expires_at"] is None


def test_a_given_token_is_the_first_one_and_not_the_next() -> None:
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
def test_a_request_without_a_good_key_is_refused(
    server: LocalVendo, headers: dict[str, str], code: str
) -> None:
    answer = ask(f"{server.credentials_url}/gmail", headers=headers)
    assert (answer.status, answer.code) == (401, code)
    assert answer.json == {"error": code, "detail": answer.json["detail"]}


@pytest.mark.parametrize("code", ["app_unknown", "app_revoked", "app_expired"])
def test_a_refused_key_is_accepted_again_once_restored(server: LocalVendo, code: str) -> None:
    server.revoke_key(code)
    for path in ("/credentials/gmail", "/api/billing/balance", "/api/deployments/me/connections"):
        answer = with_key(server, path)
        assert (answer.status, answer.code) == (401, code)
    server.restore_key()
    assert with_key(server, "/credentials/gmail").status == 200


def test_a_key_is_refused_with_codes_of_the_contract_alone(server: LocalVendo) -> None:
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
def test_a_slug_without_a_connection_is_refused(
    server: LocalVendo, slug: str, status: int, code: str
) -> None:
    answer = with_key(server, f"/credentials/{slug}")
    assert (answer.status, answer.code) == (status, code)
    assert set(answer.json) == {"error", "detail"}


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
def test_a_connection_that_cannot_be_used_is_refused(
    server: LocalVendo, state: str, status: int, code: str
) -> None:
    server.set_status("gmail", state)
    answer = with_key(server, "/credentials/gmail")
    assert (answer.status, answer.code) == (status, code)
    with pytest.raises(ValueError, match="No token for gmail"):
        server.token("gmail")
    server.set_status("gmail", "connected")
    assert with_key(server, "/credentials/gmail").status == 200


@pytest.mark.parametrize("profile", ["webhook_inbound", "composio_managed"])
def test_some_profiles_are_not_vended(profile: str) -> None:
    with LocalVendo({"gmail": {"profile": profile}}) as server:
        answer = with_key(server, "/credentials/gmail")
        assert (answer.status, answer.code) == (500, "profile_unsupported")


def test_a_connection_key_reaches_one_slug(server: LocalVendo) -> None:
    key = server.connection_key("gmail")
    assert key.startswith("vendo_sk_")
    assert len(key) == len("vendo_sk_") + 32
    assert ask(f"{server.credentials_url}/gmail", headers=bearer(key)).status == 200
    other = ask(f"{server.credentials_url}/openai", headers=bearer(key))
    assert (other.status, other.code) == (403, "binding_missing")
    bulk = ask(f"{server.credentials_url}/_bulk?slugs=gmail,openai", headers=bearer(key)).json
    assert bulk["tokens"]["openai"] is None
    assert bulk["tokens"]["gmail"] is not None
    server.revoke_key()
    revoked = ask(f"{server.credentials_url}/gmail", headers=bearer(key))
    assert (revoked.status, revoked.code) == (401, "app_revoked")


def test_bulk_gives_null_for_a_slug_without_a_credential(server: LocalVendo) -> None:
    answer = with_key(server, "/credentials/_bulk?slugs=gmail,stripe,no%2Dsuch")
    assert answer.json == {
        "tokens": {
            "gmail": {
                "access_token": server.token("gmail"),
                "expires_at": answer.json["tokens"]["gmail"]["expires_at"],
            },
            "stripe": None,
            "no-such": None,
        }
    }


@pytest.mark.parametrize("query", ["", "?slugs=", "?slugs=,", "?slugs=gmail,,openai", "?slugs=A"])
def test_a_malformed_bulk_request_is_refused(server: LocalVendo, query: str) -> None:
    answer = with_key(server, f"/credentials/_bulk{query}")
    assert (answer.status, answer.code) == (400, "validation_failed")


def test_a_comma_inside_a_slug_is_part_of_it(server: LocalVendo) -> None:
    assert with_key(server, "/credentials/_bulk?slugs=gmail%2Copenai").code == "validation_failed"


def test_each_user_has_a_token_of_their_own(server: LocalVendo) -> None:
    first, second = jwt(sub="user-1"), jwt(sub="user-2")
    own = server.token("gmail")
    tokens = [
        with_key(server, "/credentials/gmail", X_Vendo_User_JWT=user).json["access_token"]
        for user in (first, second, "opaque-1", "opaque-2")
    ]
    assert len({own, *tokens}) == 5
    assert tokens[0] == server.token("gmail", first)
    assert tokens[2] == server.token("gmail", "opaque-1")


def test_a_renewed_jwt_is_the_same_user(server: LocalVendo) -> None:
    assert server.token("gmail", jwt(sub="u", iat=1)) == server.token("gmail", jwt(sub="u", iat=2))


@pytest.mark.parametrize("user", ["a.b.c", "a.W10.c", "a.eyJzdWIiOiA1fQ.c", "  .  .  "])
def test_what_looks_like_a_jwt_and_is_none_is_a_user_too(server: LocalVendo, user: str) -> None:
    assert server.token("gmail", user) not in {server.token("gmail"), server.token("gmail", "x")}


def test_a_blank_jwt_is_nobody(server: LocalVendo) -> None:
    assert server.token("gmail", "  ") == server.token("gmail")


def test_bulk_gives_the_users_tokens(server: LocalVendo) -> None:
    answer = with_key(server, "/credentials/_bulk?slugs=gmail", X_Vendo_User_JWT="someone")
    assert answer.json["tokens"]["gmail"]["access_token"] == server.token("gmail", "someone")


def test_rotate_replaces_the_token(server: LocalVendo) -> None:
    before = server.token("gmail")
    after = server.rotate("gmail")
    assert after != before
    assert with_key(server, "/credentials/gmail").json["access_token"] == after


def test_expire_can_be_about_one_user(server: LocalVendo) -> None:
    own, other = server.token("gmail"), server.token("gmail", "someone")
    server.expire("gmail", "someone")
    assert server.token("gmail") == own
    assert server.token("gmail", "someone") != other
    server.expire("gmail")
    assert server.token("gmail") != own


def test_the_clock_can_run_off(server: LocalVendo) -> None:
    before = parsedate_to_datetime(with_key(server, "/credentials/gmail").headers["Date"])
    server.set_clock_offset(-86_400 * 365)
    answer = with_key(server, "/credentials/gmail")
    gone_back = before - parsedate_to_datetime(answer.headers["Date"])
    assert gone_back.total_seconds() == pytest.approx(86_400 * 365, abs=60)
    assert lifetime(answer) == pytest.approx(3600, abs=60)


@pytest.mark.parametrize("act", ["rotate", "expire", "token", "disconnect"])
def test_what_is_not_connected_cannot_be_changed(server: LocalVendo, act: str) -> None:
    with pytest.raises(KeyError):
        getattr(server, act)("stripe")
    with pytest.raises(KeyError):
        server.set_status("stripe", "revoked")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_worker_takes_get_alone(server: LocalVendo, method: str) -> None:
    answer = ask(f"{server.credentials_url}/gmail", method, bearer(server.api_key))
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize("path", ["/credentials", "/credentials/", "/credentials/gmail/more"])
def test_unknown_paths_of_the_worker_are_not_found(server: LocalVendo, path: str) -> None:
    assert with_key(server, path).status == 404
