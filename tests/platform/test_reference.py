"""A program that was written to the Python reference of the platform's own SDK, unchanged.

The platform's public reference lists what such a program may write. Each test is one part of that
list, in the reference's own order, against the local server. A test that has to change because the
library did is a program of a user that no longer runs.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

import vendo
from vendo import AsyncVendo, Vendo, WebhooksAPI, aio
from vendo.errors import (
    AuthError,
    BalanceExhausted,
    IdempotencyConflict,
    IdentityNotPresent,
    NeedsReauth,
    NotConnected,
    RateLimited,
    SpendCapExceeded,
    UpstreamError,
    ValidationError,
    VendoError,
    VendoOnlyFeature,
)
from vendo.testing import LocalVendo, MockAsyncClient, MockClient, MockSSE, fake_connection

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

JWT = "header.payload.signature"
SUPABASE = {"context": {"ref": "project-ref"}, "profile": "composio_managed"}
STATUSES = {"connected", "available", "pending_setup", "needs_reauth", "error", "revoked"}


@pytest.fixture
def server() -> Iterator[LocalVendo]:
    with LocalVendo({"openai": {}, "slack": {}, "gmail": {}, "supabase": SUPABASE}) as server:
        yield server


@pytest.fixture
def deployed(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> LocalVendo:
    """The variables of a deployment, which the program does not know of."""
    for name, value in server.environment().items():
        monkeypatch.setenv(name, value)
    return server


@pytest.fixture
def oss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-mine")


# Functions of the module, and methods of the client


def test_token_of_each_mode(deployed: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vendo.is_vendo_mode() is True
    assert vendo.token("openai") == deployed.token("openai")

    monkeypatch.setenv("VENDO_TOKEN_MYTOOL", "sk-test")
    assert vendo.token("mytool") == "sk-test"

    monkeypatch.delenv("VENDO_API_KEY")
    monkeypatch.setenv("TELEGRAM_BOT_TOKEN", "12345:abcde")
    assert vendo.is_vendo_mode() is False
    assert vendo.token("telegram") == "12345:abcde"


def test_tokens(deployed: LocalVendo) -> None:
    found = vendo.tokens(["openai", "slack", "telegram"])

    assert found == {
        "openai": deployed.token("openai"),
        "slack": deployed.token("slack"),
        "telegram": None,
    }


def test_session(deployed: LocalVendo) -> None:
    pytest.importorskip("requests")

    response = vendo.session("gmail").get("https://gmail.googleapis.com/gmail/v1/users/me/profile")

    assert response.status_code == 200


def test_connect_url(deployed: LocalVendo) -> None:
    assert vendo.connect_url("slack").startswith(f"{deployed.url}/connections/connect/slack?")

    url = vendo.connect_url("slack", return_to="https://app.example.com/done", state="7")

    assert "return_to=https%3A%2F%2Fapp.example.com%2Fdone" in url
    assert "state=7" in url


def test_invalidate(deployed: LocalVendo) -> None:
    before = vendo.token("openai")
    deployed.rotate("openai")
    assert vendo.token("openai") == before

    vendo.invalidate("openai")

    assert vendo.token("openai") != before


def test_client(deployed: LocalVendo) -> None:
    client = Vendo(api_key=None, base_url=None)

    assert client.token("openai") == deployed.token("openai")
    assert client.tokens(["openai"]) == {"openai": deployed.token("openai")}
    assert client.connect_url("slack", return_to=None, state=None)
    client.invalidate("openai")
    assert client.is_vendo_mode() is True


def test_key_of_a_client(server: LocalVendo, deployed: LocalVendo) -> None:
    assert Vendo(server.api_key, server.url).connections.list()
    with pytest.raises(AuthError) as caught:
        Vendo(api_key="vendo_sk_" + "x" * 32).token("openai")
    assert caught.value.code == "app_unknown"


def test_placeholder_key_is_oss_mode(oss: None) -> None:
    assert Vendo(api_key="byok").token("openai") == "sk-mine"


def test_client_for_a_user(deployed: LocalVendo) -> None:
    client = Vendo()
    for scoped in (
        client.for_user(JWT),
        client.for_user(user_jwt=JWT),
        client.for_request({"x-vendo-user-jwt": JWT}),
        vendo.for_request({"X-Vendo-User-JWT": JWT}),
    ):
        assert isinstance(scoped, Vendo)
        scoped.token("openai")
        scoped.connections.get("supabase")
        assert deployed.requests[-1].headers["X-Vendo-User-JWT"] == JWT

    with pytest.raises(IdentityNotPresent) as caught:
        client.for_request({"Accept": "text/html"})
    assert caught.value.code == "identity_not_present"


@pytest.mark.parametrize(
    "call",
    [
        lambda: vendo.connect_url("slack"),
        vendo.billing.balance,
        vendo.billing.spend_caps,
        vendo.billing.usage,
        vendo.events.subscribe,
        lambda: vendo.data.execute("SLACK_SEND_MESSAGE", {}),
        lambda: Vendo().for_user(JWT),
        lambda: Vendo().for_request({"X-Vendo-User-JWT": JWT}),
    ],
)
def test_what_needs_vendo_mode(oss: None, call: Callable[[], object]) -> None:
    with pytest.raises(VendoOnlyFeature) as caught:
        call()
    assert caught.value.code == "vendo_only_feature"


def test_parts_of_a_client_are_attributes(
    deployed: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = Vendo()
    kinds = {
        "connections": vendo.ConnectionsAPI,
        "integrations": vendo.IntegrationsAPI,
        "billing": vendo.BillingAPI,
        "events": vendo.EventsAPI,
        "webhooks": vendo.WebhooksAPI,
        "data": vendo.DataAPI,
    }
    for name, kind in kinds.items():
        part = getattr(client, name)
        assert isinstance(part, kind)
        assert part is getattr(client, name)
        assert isinstance(getattr(vendo, name), kind)

    monkeypatch.setattr(client.connections, "get", lambda _slug: None)
    assert client.connections.get("slack") is None


# asyncio


def test_async_client(deployed: LocalVendo) -> None:
    async def main() -> None:
        async with AsyncVendo() as client:
            assert await client.token("openai") == deployed.token("openai")
            assert await client.tokens(["openai"])
            assert await client.connections.list()
            assert (await client.billing.balance()).currency == "USD"

    asyncio.run(main())


def test_async_functions_share_the_cache(deployed: LocalVendo) -> None:
    async def main() -> None:
        assert await aio.token("openai") == deployed.token("openai")
        assert set(await aio.tokens(["openai", "slack"])) == {"openai", "slack"}
        assert await aio.connections.list()
        assert await aio.integrations.list()
        assert await aio.billing.balance()

    vendo.token("openai")
    asked = deployed.count("credentials", "openai")
    asyncio.run(main())
    assert deployed.count("credentials", "openai") == asked


def test_async_client_needs_a_key(oss: None) -> None:
    with pytest.raises(AuthError):
        AsyncVendo()


# connections


def test_connections(deployed: LocalVendo) -> None:
    rows = vendo.connections.list()
    connected = [row.slug for row in rows if row.status == "connected"]

    assert sorted(connected) == ["gmail", "openai", "slack", "supabase"]
    assert {row.status for row in rows} <= STATUSES


def test_one_connection(deployed: LocalVendo) -> None:
    supabase = vendo.connections.get("supabase")

    assert supabase is not None
    assert supabase.status == "connected"
    assert supabase.context is not None
    assert supabase.context["ref"] == "project-ref"
    slack = vendo.connections.get("slack")
    assert slack is not None
    assert slack.context is None
    assert vendo.connections.get("nosuchtool") is None


def test_connection_that_is_available(deployed: LocalVendo) -> None:
    row = vendo.connections.get("notion")

    assert row is not None
    assert (row.status, row.id, row.context) == ("available", None, None)
    assert row.setup_url is not None


def test_fields_of_a_connection(deployed: LocalVendo) -> None:
    deployed.set_status("gmail", "needs_reauth")

    for row in vendo.connections.list():
        for name in ("slug", "display_name", "category", "profile", "status"):
            assert isinstance(getattr(row, name), str)
        for name in (
            *("id", "external_id", "setup_url", "error_message", "connected_at"),
            *("logo_url", "brand_color", "docs_url"),
        ):
            assert isinstance(getattr(row, name), str | None)
        assert isinstance(row.metadata, dict)
        assert row.context is None or row.context["ref"] == "project-ref"
        assert row.credential is None or isinstance(row.credential, dict)
        if row.env_bootstrap is not None:
            assert [{**variable} for variable in row.env_bootstrap["vars"]] == [
                {"name": variable.name, "value_from": variable.value_from}
                for variable in row.env_bootstrap.vars
            ]
            assert row.env_bootstrap.get("restart") == row.env_bootstrap.restart
            assert row.env_bootstrap.get("other") is None
            with pytest.raises(KeyError):
                row.env_bootstrap["other"]


# integrations


def test_integrations(deployed: LocalVendo) -> None:
    notion = vendo.integrations.get("notion")

    assert notion is not None
    assert notion in vendo.integrations.list()
    assert vendo.integrations.get("nosuchtool") is None
    for name in ("slug", "name", "category", "default_profile"):
        assert isinstance(getattr(notion, name), str)
    for name in ("description", "logo_url", "brand_color", "docs_url"):
        assert isinstance(getattr(notion, name), str | None)
    assert notion.default_profile in notion.supported_profiles
    assert isinstance(notion.enabled, bool)
    assert isinstance(notion.featured, bool)


def test_variables_of_an_integration() -> None:
    assert vendo.integrations.env_vars("slack") == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]
    assert vendo.integrations.env_vars("nosuchtool") == []


# billing


def test_billing(deployed: LocalVendo) -> None:
    deployed.set_balance(12_500_000)
    deployed.set_caps(daily=3_000_000)

    balance = vendo.billing.balance()
    assert f"{balance.credits_remaining_micros / 1_000_000:.4f} USD remaining" == (
        "12.5000 USD remaining"
    )
    assert (balance.currency, type(balance.top_up_url)) == ("USD", str)

    caps = vendo.billing.spend_caps()
    assert (caps.daily_micros, caps.monthly_micros) == (3_000_000, None)
    assert (caps.used_today_micros, caps.used_month_micros) == (0, 0)

    assert isinstance(vendo.billing.usage(period="month"), dict)
    assert isinstance(vendo.billing.usage(), dict)


# events


def test_events(deployed: LocalVendo) -> None:
    def emit() -> None:
        deployed.wait_for_streams(1, timeout=60)
        deployed.emit("connection.connected", slug="slack", connection_id="1")

    thread = threading.Thread(target=emit)
    thread.start()
    stale = vendo.token("slack")
    deployed.rotate("slack")
    for event in vendo.events.subscribe(max_backoff_sec=30.0):
        if event.type == "connection.connected":
            vendo.invalidate(event.data.get("slug"))
            break
    thread.join()

    assert isinstance(event, vendo.EventStreamMessage)
    assert {"id", "at", "kind", "slug", "connection_id"} <= event.data.keys()
    assert event.data["kind"] == event.type
    assert isinstance(event.id, str)
    assert isinstance(event.retry, int | None)
    assert vendo.token("slack") != stale


def test_events_of_the_async_client(deployed: LocalVendo) -> None:
    async def main() -> str:
        client = AsyncVendo()
        async with client.events.subscribe() as stream:
            async for event in stream:
                if event.type == "billing.balance_changed":
                    return f"{event.type} {event.data['remaining_micros']}"
        raise AssertionError("the stream ended")

    def emit() -> None:
        deployed.wait_for_streams(1, timeout=60)
        deployed.emit("billing.balance_changed", remaining_micros=5)

    thread = threading.Thread(target=emit)
    thread.start()
    assert asyncio.run(main()) == "billing.balance_changed 5"
    thread.join()


# webhooks


def test_webhooks(deployed: LocalVendo) -> None:
    headers, raw = deployed.sign_webhook({"type": "connection.connected", "data": {"slug": "a"}})
    body = raw.decode()

    event = vendo.webhooks.verify(headers=dict(headers), body=body)

    assert isinstance(event.id, str)
    assert (event.type, event.data.get("slug")) == ("connection.connected", "a")
    assert isinstance(event.occurred_at, str)
    assert Vendo().webhooks.verify(headers, body) == event
    assert WebhooksAPI().verify(headers, body) == event
    hooks = WebhooksAPI(secret=deployed.webhook_secret, max_age_sec=300)
    assert hooks.verify({name.lower(): value for name, value in headers.items()}, body) == event


def test_webhook_that_is_not_the_platforms(deployed: LocalVendo) -> None:
    headers, raw = deployed.sign_webhook({})

    for bad in ({}, {**headers, "Vendo-Signature": "0" * 64}):
        with pytest.raises(ValidationError) as caught:
            vendo.webhooks.verify(bad, raw.decode())
        assert caught.value.code == "validation_failed"
    with pytest.raises(ValidationError):
        WebhooksAPI(secret="whsec_other").verify(headers, raw.decode())


# sso and deployment


def test_sso(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vendo.sso.is_enabled() is False
    monkeypatch.setenv("VENDO_AUTH", "1")
    headers = {
        "X-Vendo-User-Id": "user-1",
        "X-Vendo-User-Email": "ada@example.com",
        "X-Vendo-User-Name": "Ada",
        "X-Vendo-Tenant-Id": "tenant-1",
        "X-Vendo-Role": "owner",
    }

    identity = vendo.sso.identity_from_headers(headers)

    assert vendo.sso.is_enabled() is True
    assert identity is not None
    assert (identity.user_id, identity.email, identity.name) == ("user-1", "ada@example.com", "Ada")
    assert (identity.tenant_id, identity.role) == ("tenant-1", "owner")
    assert vendo.sso.identity_response(headers)["user_id"] == "user-1"
    assert vendo.sso.identity_from_headers({}) is None
    assert vendo.sso.identity_response({}) == {}
    assert vendo.sso.logout_url() == "/__vendo/auth/logout"
    assert vendo.sso.dashboard_url() == "https://vendo.run/dashboard"
    assert vendo.sso.IDENTITY_ENDPOINT_PATH == "/api/vendo/identity"


def test_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert vendo.deployment.is_running_on_vendo() is False
    assert vendo.deployment.api_url() == "https://vendo.run"
    for read in (
        vendo.deployment.tenant_id,
        vendo.deployment.deployment_id,
        vendo.deployment.deployment_slug,
        vendo.deployment.api_key,
    ):
        assert read() is None

    monkeypatch.setenv("VENDO_TENANT_ID", "tenant-1")
    monkeypatch.setenv("VENDO_DEPLOYMENT_ID", "deployment-1")
    monkeypatch.setenv("VENDO_DEPLOYMENT_SLUG", "my-tool")

    assert vendo.deployment.is_running_on_vendo() is True
    assert vendo.deployment.tenant_id() == "tenant-1"
    assert vendo.deployment.deployment_id() == "deployment-1"
    assert vendo.deployment.deployment_slug() == "my-tool"


# data


def test_data(deployed: LocalVendo) -> None:
    deployed.action("SLACK_SEND_MESSAGE", lambda args: {"sent": args["text"]})

    assert vendo.data.execute("SLACK_SEND_MESSAGE", {"channel": "#general", "text": "hi"}) == {
        "sent": "hi"
    }


def test_action_of_a_provider_that_is_not_connected(deployed: LocalVendo) -> None:
    def needed() -> dict[str, str]:
        try:
            vendo.data.execute("STRIPE_LIST_CUSTOMERS", {"limit": 10})
        except NotConnected as e:
            slug = e.slug or "unknown"
            return {"needs_connection": slug, "connect_url": vendo.connect_url(slug)}
        raise AssertionError("the action ran")

    found = needed()

    assert found["needs_connection"] == "stripe"
    assert "/connections/connect/stripe?" in found["connect_url"]


def test_action_that_fails(deployed: LocalVendo) -> None:
    with pytest.raises(UpstreamError) as caught:
        vendo.data.execute("SLACK_NO_SUCH_ACTION")
    assert caught.value.code == "composio_error"


# reconciler


def test_reconciler_writes_once(deployed: LocalVendo, tmp_path: Path) -> None:
    env_file = tmp_path / ".env"

    vendo.reconciler.bootstrap(env_file=str(env_file), mapping=lambda: {"X": "1"})

    assert "X=1" in env_file.read_text().replace("'", "").replace('"', "").splitlines()


def test_reconciler_runs(deployed: LocalVendo, tmp_path: Path) -> None:
    changes: list[Any] = []

    reconciler = vendo.reconciler.start(
        env_file=str(tmp_path / ".env"), mapping=lambda: {"X": "1"}, on_change=changes.append
    )
    try:
        assert isinstance(reconciler, vendo.reconciler.Reconciler)
    finally:
        reconciler.stop()


def test_default_mapping_of_the_reconciler(deployed: LocalVendo, tmp_path: Path) -> None:
    restarts: list[int] = []
    mapping, restart_factory = vendo.reconciler.catalog_default()

    assert callable(mapping)
    vendo.reconciler.bootstrap(env_file=str(tmp_path / "first.env"), mapping=mapping)
    reconciler = vendo.reconciler.start(
        env_file=str(tmp_path / ".env"),
        mapping=mapping,
        on_change=restart_factory(gateway=lambda: restarts.append(1)),
    )
    reconciler.stop()


# errors

CODES = {
    "app_unknown": AuthError,
    "app_revoked": AuthError,
    "app_expired": AuthError,
    "binding_missing": NotConnected,
    "connection_revoked": NotConnected,
    "connection_needs_reauth": NeedsReauth,
    "balance_exhausted": BalanceExhausted,
    "spend_cap_daily": SpendCapExceeded,
    "spend_cap_monthly": SpendCapExceeded,
    "upstream_rate_limited": RateLimited,
    "upstream_error": UpstreamError,
    "validation_failed": ValidationError,
    "idempotency_conflict": IdempotencyConflict,
    "a_code_of_tomorrow": VendoError,
}


@pytest.mark.parametrize("code", CODES)
def test_error_of_each_code(deployed: LocalVendo, code: str) -> None:
    status = 418 if code == "a_code_of_tomorrow" else None
    deployed.fail("credentials", status, slug="openai", code=code, times=None)

    with pytest.raises(VendoError) as caught:
        Vendo(retry=vendo.RetryPolicy(1)).token("openai")

    error = caught.value
    assert type(error) is CODES[code]
    assert error.code == code
    assert isinstance(error.status, int)
    assert error.slug in {"openai", None}
    assert isinstance(error.message, str)
    for name in ("connect_url", "suggested_fix"):
        assert isinstance(getattr(error, name), str | None)
    assert isinstance(error.retry_after, int | None)


def test_program_that_handles_every_error(deployed: LocalVendo) -> None:
    def said() -> str:
        try:
            said = vendo.token("notion")
        except NotConnected as e:
            said = vendo.connect_url(e.slug or "", return_to="https://yourapp.com/after-connect")
        except NeedsReauth as e:
            said = f"Re-authorize: {e.connect_url}"
        except AuthError:
            said = "Invalid or revoked key."
        except RateLimited as e:
            said = f"Retry after {e.retry_after}s"
        except BalanceExhausted:
            said = "Wallet empty"
        except SpendCapExceeded as e:
            said = f"Spend cap ({e.code}); retry after {e.retry_after}s"
        except VendoError as e:
            said = f"[{e.code}] {e}"
        return said

    assert "/connections/connect/notion?" in said()
    deployed.fail("credentials", code="upstream_rate_limited", retry_after=7)
    assert said() == "Retry after 7s"
    deployed.fail("credentials", code="spend_cap_daily", retry_after=60)
    assert said() == "Spend cap (spend_cap_daily); retry after 60s"
    deployed.fail("credentials", code="balance_exhausted")
    assert said() == "Wallet empty"
    deployed.fail("credentials", code="connection_needs_reauth")
    assert said().startswith("Re-authorize: ")


def test_parent_of_each_error() -> None:
    for kind in {*CODES.values(), VendoOnlyFeature, IdentityNotPresent}:
        assert issubclass(kind, VendoError)
        assert getattr(vendo, kind.__name__) is kind
    assert issubclass(VendoError, Exception)


def test_missing_credential_names_its_variable() -> None:
    with pytest.raises(NotConnected) as caught:
        vendo.token("openai")

    assert caught.value.slug == "openai"
    assert "OPENAI_API_KEY" in (caught.value.suggested_fix or "")


# testing


def test_mock_client_with_connections() -> None:
    mock = MockClient.with_connections([
        fake_connection(
            slug="slack", status="connected", credential={"access_token": "xoxb-fake"}
        ),
    ])  # fmt: skip

    assert mock.token("slack") == "xoxb-fake"
    with pytest.raises(NotConnected):
        mock.token("missing")


def test_async_mock_client_with_connections() -> None:
    mock = MockAsyncClient.with_connections([
        fake_connection(slug="openai", credential={"api_key": "sk-fake"})
    ])  # fmt: skip

    assert asyncio.run(mock.token("openai")) == "sk-fake"


def test_fake_connection() -> None:
    row = fake_connection(slug="slack")

    assert isinstance(row, vendo.Connection)
    assert {field.name for field in fields(row)} >= {"id", "slug", "status", "context"}
    assert (row.slug, row.status, row.profile) == ("slack", "connected", "byok_static")
    assert (row.category, row.display_name) == ("other", "slack")


def test_mock_events() -> None:
    events = MockSSE()
    events.push(vendo.EventStreamMessage("connection.connected", {"slug": "slack"}))
    events.close()

    assert [(event.type, event.data) for event in events] == [
        ("connection.connected", {"slug": "slack"})
    ]


# What differs, as the manual's page on moving over says


def test_session_sends_its_token_to_the_provider_alone(deployed: LocalVendo) -> None:
    pytest.importorskip("requests")

    with pytest.raises(ValidationError, match="hosts="):
        vendo.session("gmail").get("https://api.example.com/")


def test_timeout_is_an_error_of_this_package(deployed: LocalVendo) -> None:
    deployed.fail("credentials", latency=5.0)

    with pytest.raises(UpstreamError) as caught:
        Vendo(timeout=0.1).token("openai")
    assert isinstance(caught.value, TimeoutError)


def test_identity_needs_the_platforms_proxy() -> None:
    headers = dict.fromkeys(vendo.sso.IDENTITY_HEADERS, "owner")

    assert vendo.sso.identity_from_headers(headers) is None


def test_reconciler_writes_no_line_break(deployed: LocalVendo, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="multiline="):
        vendo.reconciler.bootstrap(env_file=tmp_path / ".env", mapping=lambda: {"X": "1\n2"})


def test_plain_http_is_for_this_machine() -> None:
    with pytest.raises(ValidationError, match="plain http"):
        Vendo(base_url="http://vendo:8000").connections.list()
