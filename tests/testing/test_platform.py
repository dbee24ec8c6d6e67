from __future__ import annotations

import uuid
from typing import Any

import pytest

from testing.local_http import bearer, execute, send, with_key
from vendo._catalog import catalog
from vendo.testing import LocalVendo

CONNECTIONS = "/api/deployments/me/connections"
EVENTS = "/api/deployments/me/events"
CONNECTED = {"gmail", "openai", "telegram", "slack"}
POOL = ["openai", "anthropic", "openrouter", "gemini", "elevenlabs", "assemblyai", "muapi"]


def rows(server: LocalVendo, query: str = "") -> dict[str, dict[str, Any]]:
    response = with_key(server, CONNECTIONS + query)
    assert response.status == 200
    return {row["slug"]: row for row in response.json["connections"]}


def test_connection_row_has_every_field_of_the_contract(server: LocalVendo) -> None:
    row = rows(server)["gmail"]
    assert set(row) == {
        "id", "external_id", "slug", "display_name", "category", "profile", "status", "metadata",
        "context", "credential", "api_key", "base_url", "setup_url", "error_message",
        "connected_at", "env_bootstrap", "exclusive", "logo_url", "brand_color", "docs_url",
    }  # fmt: skip
    uuid.UUID(row["id"])
    assert (row["status"], row["display_name"]) == ("connected", "Gmail")
    assert row["env_bootstrap"] == {
        "vars": [{"name": "GMAIL_ACCESS_TOKEN", "value_from": "access_token"}],
        "restart": "gateway",
    }


def test_connected_rows_come_first_in_order_of_connection(server: LocalVendo) -> None:
    server.connect("stripe")
    connected = ["gmail", "openai", "telegram", "slack", "stripe"]
    assert list(rows(server))[:5] == connected
    server.disconnect("openai")
    connected.remove("openai")
    others = [slug for slug in catalog.slugs() if slug not in connected]
    assert list(rows(server)) == connected + others


def test_what_nobody_connected_is_available(server: LocalVendo) -> None:
    found = rows(server)
    assert set(found) == set(catalog.slugs())
    assert {row["status"] for slug, row in found.items() if slug not in CONNECTED} == {"available"}
    row = found["supabase"]
    assert set(row) == set(found["gmail"])
    empty = ("id", "external_id", "context", "credential", "api_key", "base_url", "connected_at")
    assert [row[name] for name in empty] == [None] * len(empty)
    assert (row["display_name"], row["profile"]) == ("Supabase", "composio_managed")
    page = send(row["setup_url"])
    assert (page.status, "Connect Supabase" in page.text) == (200, True)


@pytest.mark.parametrize("slug", ["gmail", "supabase", "openai", "in-house"])
def test_row_after_disconnect_is_as_before_the_first_connection(slug: str) -> None:
    with LocalVendo([slug]) as server:
        connected = rows(server)[slug]
        server.disconnect(slug)
        row = rows(server)[slug]
    empty = {"id", "external_id", "context", "api_key", "base_url", "connected_at"}
    changed = {name for name in row if row[name] != connected[name]}
    assert changed <= {"status", "setup_url", *empty}
    assert (row["status"], row["id"]) == ("available", None)


@pytest.mark.parametrize("slug", ["openai", "supabase"])
def test_connection_that_is_available_again_has_nothing_of_its_time(slug: str) -> None:
    held = {"credential": {"access_token": "s"}, "context": {"ref": "abc"}, "exclusive": True}
    with LocalVendo({slug: held}) as server:
        assert rows(server)[slug]["credential"] == held["credential"]
        server.set_status(slug, "available")
        row = rows(server)[slug]
        assert send(row["setup_url"]).status == 200
        server.disconnect(slug)
        assert {**rows(server)[slug], "exclusive": True} == row


def test_revoked_rows_are_left_out(server: LocalVendo) -> None:
    server.set_status("gmail", "revoked")
    assert "gmail" not in rows(server)
    worker = with_key(server, "/credentials/gmail")
    assert (worker.status, worker.code) == (403, "connection_revoked")
    server.set_status("gmail", "connected")
    assert rows(server)["gmail"]["status"] == "connected"


def test_some_providers_have_a_context_while_connected() -> None:
    with LocalVendo(["supabase", "instagram", "gmail"]) as server:
        found = rows(server)
        assert set(found["supabase"]["context"]) == {"ref"}
        assert set(found["instagram"]["context"]) == {"ig_user_id"}
        assert found["gmail"]["context"] is None
        server.set_status("supabase", "needs_reauth")
        assert rows(server)["supabase"]["context"] is None


@pytest.mark.parametrize(
    ("profile", "slugs"),
    [
        ("vendo_managed_pool", POOL),
        ("oauth_app_install", ["notion"]),
        ("composio_managed", ["instagram", "supabase", "gmail", "slack", "github", "googledrive"]),
        ("byok_static", ["telegram", "stripe", "resend", "in-house"]),
    ],
)
def test_each_provider_has_its_profile_and_a_token(profile: str, slugs: list[str]) -> None:
    with LocalVendo(slugs) as server:
        found = rows(server)
        offered = with_key(server, "/api/integrations").json["integrations"]
        integrations = {row["slug"]: row for row in offered}
        for slug in slugs:
            assert found[slug]["profile"] == profile
            assert integrations[slug]["default_profile"] == profile
            assert integrations[slug]["supported_profiles"] == [profile]
            assert with_key(server, f"/credentials/{slug}").status == 200


def test_profile_of_a_provider_is_the_same_before_it_is_connected() -> None:
    with LocalVendo() as empty, LocalVendo(catalog.slugs()) as full:
        before, after = rows(empty), rows(full)
    for slug in catalog.slugs():
        assert (slug, before[slug]["profile"]) == (slug, after[slug]["profile"])


def test_fields_can_be_set_and_omitted() -> None:
    older = {"metadata": {"context": {"supabase": {"ref": "abc"}}}, "omit": ["context", "logo_url"]}
    with LocalVendo({"supabase": older}) as server:
        row = rows(server)["supabase"]
    assert row["metadata"] == {"context": {"supabase": {"ref": "abc"}}}
    assert not {"context", "logo_url"} & set(row)


def test_unknown_option_raises_immediately() -> None:
    with pytest.raises(TypeError, match="colour"):
        LocalVendo({"gmail": {"colour": "red"}})
    with pytest.raises(ValueError, match="needs_reauth"):
        LocalVendo({"gmail": {"status": "asleep"}})
    with pytest.raises(TypeError, match="list"):
        LocalVendo("gmail")


def test_available_row_links_to_its_setup() -> None:
    with LocalVendo({"slack": {"status": "available"}}) as server:
        row = rows(server)["slack"]
        assert (row["status"], row["id"], row["connected_at"]) == ("available", None, None)
        page = send(row["setup_url"])
        assert page.status == 200
        assert "Connect Slack" in page.text


def test_only_managed_pool_rows_have_key_and_base_url() -> None:
    pool = {"profile": "vendo_managed_pool"}
    with LocalVendo({"openai": None, "stripe": pool, "gmail": None}) as server:
        found = rows(server)
        for slug in ("openai", "stripe"):
            assert found[slug]["api_key"] == server.connection_key(slug)
            assert found[slug]["base_url"] == server.provider_url(slug)
        for slug in ("gmail", "anthropic"):
            assert (found[slug]["api_key"], found[slug]["base_url"]) == (None, None)


def test_sandbox_gets_no_exclusive_credential() -> None:
    secret = {"credential": {"value": "s"}, "exclusive": True}
    with LocalVendo({"gmail": secret, "slack": {"credential": {"value": "t"}}}) as server:
        assert rows(server)["gmail"]["credential"] == {"value": "s"}
        sandboxed = rows(server, "?sandbox=1")
        assert sandboxed["gmail"]["credential"] is None
        assert sandboxed["slack"]["credential"] == {"value": "t"}


def test_slug_outside_the_catalog_can_be_connected() -> None:
    with LocalVendo(["in-house"]) as server:
        row = rows(server)["in-house"]
        assert (row["display_name"], row["env_bootstrap"]) == ("in-house", None)
        assert with_key(server, "/credentials/in-house").status == 200
        assert with_key(server, "/api/integrations/in-house").json["slug"] == "in-house"
        server.disconnect("in-house")
        assert with_key(server, "/api/integrations/in-house").status == 200
        assert with_key(server, "/credentials/in-house").code == "binding_missing"


def test_row_with_status_error_has_a_message(server: LocalVendo) -> None:
    server.set_status("gmail", "error")
    assert rows(server)["gmail"]["error_message"]


def test_reconnecting_creates_another_connection(server: LocalVendo) -> None:
    before, token = rows(server)["gmail"]["id"], server.token("gmail")
    server.connect("gmail")
    assert rows(server)["gmail"]["id"] != before
    assert server.token("gmail") != token


@pytest.mark.parametrize("path", [CONNECTIONS, EVENTS, "/api/deployments/me/nothing"])
@pytest.mark.parametrize(
    ("headers", "text"),
    [
        ({}, "Missing or invalid Bearer token"),
        ({"Authorization": "Basic dTpw"}, "Missing or invalid Bearer token"),
        (bearer("a.signed.jwt"), "Missing or invalid Bearer token"),
        (bearer("vendo_sk_" + "x" * 32), "Invalid or revoked token"),
    ],
)
def test_deployment_paths_reject_a_key_without_a_code(
    server: LocalVendo, path: str, headers: dict[str, str], text: str
) -> None:
    response = send(server.url + path, headers=headers)
    assert (response.status, response.code, response.json) == (
        401,
        None,
        {"error": {"message": text}},
    )


@pytest.mark.parametrize("path", [CONNECTIONS, EVENTS])
@pytest.mark.parametrize("code", [None, "app_revoked", "app_expired"])
def test_deployment_paths_reject_connection_keys_and_revoked_keys(
    server: LocalVendo, path: str, code: str | None
) -> None:
    key = server.connection_key("gmail") if code is None else server.api_key
    if code is not None:
        server.revoke_key(code)
    response = send(server.url + path, headers=bearer(key))
    assert (response.status, response.code) == (401, None)
    assert response.json == {"error": {"message": "Invalid or revoked token"}}


def test_integrations_without_key_have_another_slug_field(server: LocalVendo) -> None:
    anonymous = send(f"{server.url}/api/integrations").json["integrations"]
    known = with_key(server, "/api/integrations").json["integrations"]
    assert [row["provider"] for row in anonymous] == [row["slug"] for row in known]
    assert {row["slug"] for row in known} == set(catalog.slugs())
    assert set(known[0]) == {
        "slug", "name", "description", "category", "logo_url", "brand_color", "docs_url",
        "supported_profiles", "default_profile", "enabled", "featured", "env_bootstrap",
    }  # fmt: skip


def test_single_integration(server: LocalVendo) -> None:
    assert with_key(server, "/api/integrations/gmail").json["slug"] == "gmail"
    assert send(f"{server.url}/api/integrations/gmail").json["provider"] == "gmail"
    missing = with_key(server, "/api/integrations/no-such")
    assert (missing.status, missing.code) == (404, "provider_unknown")
    bad = send(f"{server.url}/api/integrations", headers=bearer("vendo_sk_other"))
    assert (bad.status, bad.code) == (401, "app_unknown")


def test_balance_in_micros() -> None:
    with LocalVendo(balance=1_234_567) as server:
        balance = with_key(server, "/api/billing/balance").json
        assert balance == {
            "credits_remaining_micros": 1_234_567,
            "currency": "USD",
            "top_up_url": f"{server.url}/#balance",
        }
        server.set_balance(7)
        assert with_key(server, "/api/billing/balance").json["credits_remaining_micros"] == 7


def test_caps_and_usage_include_spending(server: LocalVendo) -> None:
    caps = {"daily_micros": None, "monthly_micros": None}
    used = {"used_today_micros": 0, "used_month_micros": 0}
    assert with_key(server, "/api/billing/spend-caps").json == {**caps, **used}
    server.set_caps(daily=5_000, monthly=9_000)
    execute(server, {"action_id": "GMAIL_GET_PROFILE"})
    assert with_key(server, "/api/billing/spend-caps").json == {
        "daily_micros": 5_000,
        "monthly_micros": 9_000,
        "used_today_micros": 1_000,
        "used_month_micros": 1_000,
    }
    for period in ("day", "month"):
        assert with_key(server, f"/api/billing/usage?period={period}").json == {
            "period": period,
            "total_micros": 1_000,
            "providers": {"gmail": {"calls": 1, "micros": 1_000}},
        }
    assert with_key(server, "/api/billing/usage").json["period"] == "month"


def test_usage_of_yesterday_is_not_in_today(server: LocalVendo) -> None:
    execute(server, {"action_id": "GMAIL_GET_PROFILE"})
    server.set_clock_offset(40 * 86_400)
    caps = with_key(server, "/api/billing/spend-caps").json
    assert (caps["used_today_micros"], caps["used_month_micros"]) == (0, 0)


def test_unknown_period_is_an_error(server: LocalVendo) -> None:
    response = with_key(server, "/api/billing/usage?period=year")
    assert (response.status, response.code) == (400, "validation_failed")
    assert response.json["error"]["code"] == "validation_failed"


@pytest.mark.parametrize("path", ["balance", "spend-caps", "usage"])
def test_billing_accepts_both_kinds_of_key(server: LocalVendo, path: str) -> None:
    url = f"{server.url}/api/billing/{path}"
    assert send(url).status == 401
    assert send(url, headers=bearer(server.connection_key("gmail"))).status == 200


@pytest.mark.parametrize(
    "path",
    ["/api/", "/api/nothing", "/api/deployments/me/nothing", "/nothing", "/api/integrations/"],
)
def test_unknown_platform_paths_are_not_found_in_json(server: LocalVendo, path: str) -> None:
    response = with_key(server, path)
    assert response.status == 404
    assert response.json["error"]["message"]
    assert response.code is None


@pytest.mark.parametrize("path", [CONNECTIONS, "/api/integrations", "/api/billing/balance"])
def test_platform_accepts_only_get(server: LocalVendo, path: str) -> None:
    response = send(server.url + path, "DELETE", bearer(server.api_key))
    assert (response.status, response.headers["Allow"]) == (405, "GET, HEAD")
    head = send(server.url + path, "HEAD", bearer(server.api_key))
    assert (head.status, head.body) == (200, b"")
