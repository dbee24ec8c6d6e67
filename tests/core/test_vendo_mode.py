"""The resolution chain with an API key: the worker and the cache, and no fallback to variables."""

from __future__ import annotations

import pytest

import vendo
from vendo import AuthError, NotConnected, ValidationError, Vendo
from vendo.testing import LocalVendo

KEY = "vendo_sk_" + "k" * 32


def test_token_comes_from_the_worker_and_is_cached(server: LocalVendo) -> None:
    with server.client() as client:
        assert client.token("gmail") == server.token("gmail")
        assert client.token("gmail") == server.token("gmail")
    [request] = server.requests
    assert (request.surface, request.slug) == ("credentials", "gmail")
    assert request.headers["authorization"] == f"Bearer {server.api_key}"


def test_two_clients_of_one_key_share_the_token(server: LocalVendo) -> None:
    assert server.client().token("gmail") == server.client().token("gmail")
    assert server.count("credentials") == 1


def test_variable_switches_the_functions_to_vendo_mode(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-local")
    assert vendo.is_vendo_mode()
    assert vendo.token("openai") == vendo_mode.token("openai")
    monkeypatch.delenv("VENDO_API_KEY")
    assert not vendo.is_vendo_mode()
    assert vendo.token("openai") == "sk-local"


def test_changed_key_is_used_at_the_next_call(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    vendo.token("gmail")
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_" + "x" * 32)
    with pytest.raises(AuthError):
        vendo.token("gmail")


def test_another_backend_has_its_own_tokens(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    with LocalVendo(connections=["gmail"], api_key=vendo_mode.api_key) as other:
        first = vendo.token("gmail")
        monkeypatch.setenv("VENDO_CREDENTIALS_URL", other.credentials_url)
        assert vendo.token("gmail") == other.token("gmail") != first


def test_the_override_wins_without_a_request(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "mine")
    client = server.client()
    assert client.token("gmail") == "mine"
    assert client.tokens(["gmail", "nosuch"]) == {"gmail": "mine", "nosuch": None}
    assert [request.query["slugs"] for request in server.requests] == ["nosuch"]


def test_conventional_variable_is_ignored(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTION_API_TOKEN", "ntn_local")
    client = server.client()
    with pytest.raises(NotConnected) as caught:
        client.token("notion")
    assert (caught.value.code, caught.value.slug) == ("binding_missing", "notion")
    assert caught.value.status == 403
    fix = caught.value.suggested_fix or ""
    assert "connect_url('notion')" in fix
    assert "NOTION_API_TOKEN is set, but not used while VENDO_API_KEY is set" in fix
    assert "VENDO_TOKEN_NOTION" in fix
    assert "ntn_local" not in fix
    assert client.tokens(["notion"]) == {"notion": None}


def test_a_slug_outside_the_catalog_can_be_connected(server: LocalVendo) -> None:
    server.connect("in-house")
    assert server.client().token("In-House") == server.token("in-house")


def test_an_unknown_slug_gets_the_nearest_one(server: LocalVendo) -> None:
    with pytest.raises(vendo.VendoError) as caught:
        server.client().token("gmial")
    assert caught.value.code == "provider_unknown"
    assert (caught.value.suggested_fix or "").startswith("Did you mean 'gmail'?")


def test_malformed_slug_is_an_error_before_any_request(server: LocalVendo) -> None:
    client = server.client()
    for slug in ("", "a/b", "_bulk", "../x", "a b"):
        for call in (client.token, client.invalidate, client.connect_url, client.connections.get):
            with pytest.raises(ValidationError):
                call(slug)
        with pytest.raises(ValidationError):
            client.tokens(["gmail", slug])
    assert server.requests == []


def test_needs_reauth_error_has_the_connect_link(server: LocalVendo) -> None:
    server.set_status("gmail", "needs_reauth")
    with pytest.raises(vendo.NeedsReauth) as caught:
        server.client().token("gmail")
    assert (caught.value.slug, caught.value.status) == ("gmail", 401)
    assert "connect_url('gmail')" in (caught.value.suggested_fix or "")


def test_tokens_makes_one_request_for_all_uncached_slugs(server: LocalVendo) -> None:
    client = server.client()
    client.token("openai")
    server.clear_requests()

    found = client.tokens(["OpenAI", "gmail", "Slack", "slack", "notion", "gmail"])

    assert found == {
        "OpenAI": server.token("openai"),
        "gmail": server.token("gmail"),
        "Slack": server.token("slack"),
        "slack": server.token("slack"),
        "notion": None,
    }
    [request] = server.requests
    assert request.raw_query == "slugs=gmail,slack,notion"
    assert client.token("gmail") == server.token("gmail")
    assert client.tokens(["gmail", "slack"]) == {slug: found[slug] for slug in ("gmail", "slack")}
    assert len(server.requests) == 1


def test_slug_without_a_credential_is_requested_again(server: LocalVendo) -> None:
    client = server.client()
    assert client.tokens(["notion"]) == {"notion": None}
    server.connect("notion")
    assert client.tokens(["notion"]) == {"notion": server.token("notion")}


def test_token_missing_in_the_bulk_response_is_dropped(server: LocalVendo) -> None:
    client = server.client()
    client.token("gmail")
    client.invalidate("gmail")
    server.disconnect("gmail")
    assert client.tokens(["gmail"]) == {"gmail": None}
    with pytest.raises(NotConnected):
        client.token("gmail")


def test_tokens_raises_other_errors_than_missing_credentials(server: LocalVendo) -> None:
    server.revoke_key()
    with pytest.raises(AuthError) as caught:
        server.client().tokens(["gmail", "slack"])
    assert caught.value.code == "app_revoked"


def test_override_works_with_a_malformed_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "two words")
    monkeypatch.setenv("VENDO_TOKEN_GMAIL", "mine")
    assert vendo.token("gmail") == "mine"
    assert vendo.tokens(["gmail"]) == {"gmail": "mine"}
    with pytest.raises(AuthError):
        vendo.tokens(["gmail", "slack"])


@pytest.mark.parametrize("key", ["two words", "a\tb", "a\nb", "a\x00b", "schlüssel", "a\u2028b"])
def test_key_with_an_invalid_character_is_an_error(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(AuthError, match=r"The API key in api_key= contains white space") as caught:
        Vendo(key)
    assert key not in str(caught.value)
    assert "vendo_sk_ followed by 32 characters" in (caught.value.suggested_fix or "")
    if "\0" not in key:
        monkeypatch.setenv("VENDO_API_KEY", key)
        assert vendo.is_vendo_mode()
        with pytest.raises(AuthError, match="The API key in VENDO_API_KEY") as caught:
            vendo.token("gmail")
        assert key not in str(caught.value)


def test_a_key_is_stripped(server: LocalVendo) -> None:
    client = server.client(api_key=f"  {server.api_key}\n")
    assert client.token("gmail") == server.token("gmail")


def test_key_that_is_not_a_string_is_an_error() -> None:
    with pytest.raises(AuthError, match="of type int"):
        Vendo(12345)  # type: ignore[arg-type]  # the point


@pytest.mark.parametrize("call", ["token", "balance"])
def test_key_without_the_prefix_is_sent_and_the_error_shows_the_format(
    server: LocalVendo, call: str
) -> None:
    client = server.client(api_key="sk_live_1")
    with pytest.raises(AuthError) as caught:
        client.token("gmail") if call == "token" else client.billing.balance()
    assert server.requests[0].headers["authorization"] == "Bearer sk_live_1"
    assert caught.value.status == 401
    assert "vendo_sk_ followed by 32 characters" in str(caught.value)
    assert "sk_live_1" not in str(caught.value)


def test_the_placeholder_is_never_sent(server: LocalVendo) -> None:
    client = server.client(api_key="byok")
    with pytest.raises(NotConnected):
        client.token("gmail")
    client.integrations.list()
    assert all("authorization" not in request.headers for request in server.requests)
    assert server.count("credentials") == 0


def test_given_placeholder_wins_over_the_environments_key(vendo_mode: LocalVendo) -> None:
    assert not Vendo("byok").is_vendo_mode()
    with pytest.raises(vendo.VendoOnlyFeature):
        Vendo("byok").billing.balance()
    assert vendo_mode.requests == []


def test_given_key_wins_over_the_environments(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "two words")
    assert server.client().token("gmail") == server.token("gmail")


def test_async_client_requires_a_key() -> None:
    with pytest.raises(AuthError, match="AsyncVendo needs an API key") as caught:
        vendo.AsyncVendo()
    assert "vendo.aio.token()" in (caught.value.suggested_fix or "")
    with pytest.raises(AuthError):
        vendo.AsyncVendo("byok")


def test_connect_link_follows_the_contract(server: LocalVendo) -> None:
    from urllib.parse import parse_qsl, urlsplit

    url = server.client().connect_url(
        "Gmail", return_to="https://app.example/done?a=1&b=2", state="s&=é"
    )
    parts = urlsplit(url)
    assert url.startswith(f"{server.url}/connections/connect/gmail?")
    assert parse_qsl(parts.query) == [
        ("app_key", server.api_key),
        ("return_to", "https://app.example/done?a=1&b=2"),
        ("state", "s&=é"),
    ]


def test_connect_link_needs_only_the_slug() -> None:
    url = Vendo(KEY, "https://vendo.example/api").connect_url("gmail")
    assert url == f"https://vendo.example/connections/connect/gmail?app_key={KEY}"


@pytest.mark.parametrize(
    "return_to",
    ["", "/done", "//x.example", "javascript:alert(1)", "https://", "https://[", 5, b"x"],
)
def test_return_to_of_a_connect_link_must_be_absolute(return_to: str) -> None:
    with pytest.raises(ValidationError, match="return_to= must be an absolute"):
        Vendo(KEY).connect_url("gmail", return_to=return_to)


@pytest.mark.parametrize("state", [5, b"x", "\ud800"])
def test_state_of_a_connect_link_must_be_valid(state: str) -> None:
    with pytest.raises(ValidationError, match="state= must be a str"):
        Vendo(KEY).connect_url("gmail", state=state)
