"""Responses of the platform API (wire contract, "Platform API"), without a socket."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.flows import BASE, Script, caller, response
from vendo import (
    AuthError,
    Balance,
    Connection,
    EnvBootstrap,
    EnvVar,
    Integration,
    SpendCaps,
    UpstreamError,
    ValidationError,
)
from vendo._protocol import platform

if TYPE_CHECKING:
    from collections.abc import Callable

    Play: TypeAlias = Callable[..., Script]

ROW: dict[str, Any] = {
    "id": "6f1f9c1e-0000-4000-8000-000000000000",
    "external_id": "ext-1",
    "slug": "supabase",
    "display_name": "Supabase",
    "category": "database",
    "profile": "user_oauth",
    "status": "connected",
    "metadata": {"region": "eu"},
    "context": {"ref": "abcd"},
    "credential": {"access_token": "canary-token"},
    "api_key": "canary-key",
    "base_url": "https://supabase-proxy.vendo.run",
    "setup_url": "https://vendo.run/setup",
    "error_message": "none",
    "connected_at": "2026-05-02T12:00:00Z",
    "env_bootstrap": {
        "vars": [{"name": "SUPABASE_ACCESS_TOKEN", "value_from": "credential.access_token"}],
        "restart": "gateway",
    },
    "exclusive": True,
    "logo_url": "https://vendo.run/logo.svg",
    "brand_color": "#3ecf8e",
    "docs_url": "https://supabase.com/docs",
}

#: The fields of `ROW` that are addresses.
ADDRESSES = ("base_url", "setup_url", "logo_url", "docs_url")

INTEGRATION: dict[str, Any] = {
    "slug": "gmail",
    "name": "Gmail",
    "description": "Mail.",
    "category": "mail",
    "logo_url": "https://vendo.run/gmail.svg",
    "brand_color": "#ea4335",
    "docs_url": "https://developers.google.com/gmail",
    "supported_profiles": ["user_oauth", "byok_static"],
    "default_profile": "user_oauth",
    "enabled": True,
    "featured": False,
    "env_bootstrap": None,
}


def test_every_field_of_a_connection_is_read() -> None:
    assert platform.connection_of(ROW) == Connection(
        **{
            **ROW,
            "env_bootstrap": EnvBootstrap(
                vars=(EnvVar("SUPABASE_ACCESS_TOKEN", "credential.access_token"),),
                restart="gateway",
            ),
        }
    )


def test_missing_fields_of_a_connection_are_none() -> None:
    connection = platform.connection_of({"slug": "gmail", "status": "available"})

    assert connection == Connection(slug="gmail", status="available")
    assert connection.metadata == {}
    assert connection.exclusive is None
    assert not connection.is_connected


def test_null_counts_as_missing() -> None:
    nothing = dict.fromkeys(ROW) | {"slug": "gmail", "status": "available"}

    assert platform.connection_of(nothing) == Connection(slug="gmail", status="available")


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)", "JaVaScRiPt:alert(1)", " javascript:alert(1)", "java\tscript:x",
        "\x01javascript:alert(1)", "javascript://vendo.run/%0aalert(1)", "data:text/html,x",
        "data:image/svg+xml;base64,PHN2Zz4=", "vbscript:x", "file:///etc/passwd", "blob:https://x/y",
        "ftp://vendo.run/x", "//evil.example/x", "/\\evil.example", "logo.svg", "", "https:",
        "https:///x", "https:evil.example", "https:\\\\evil.example", "https://vendo.run\\@evil.example/",
        "https://vendo.run@evil.example/", "https://me:secret@vendo.run/", "https://vendo.run/\n",
        "https://[x/", "https://vendo.run:port/", "https://vendo.run/" + "x" * 8192,
    ],
)  # fmt: skip
def test_address_that_is_not_a_web_address_is_dropped(address: str) -> None:
    addresses = dict.fromkeys(ADDRESSES, address)
    connection = platform.connection_of({**ROW, **addresses})
    integration = platform.integration_of({**INTEGRATION, **addresses})

    assert [getattr(connection, name) for name in ADDRESSES] == [None] * 4
    assert integration.logo_url is integration.docs_url is None
    assert connection.slug == ROW["slug"]


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000/x", "HTTPS://vendo.run/a%20b?c=d#e"])
def test_web_address_is_kept_unchanged(address: str) -> None:
    connection = platform.connection_of({**ROW, **dict.fromkeys(ADDRESSES, address)})

    assert [getattr(connection, name) for name in ADDRESSES] == [address] * 4


def test_link_of_a_balance_that_is_not_a_web_address_is_dropped(play: Play) -> None:
    body = {"credits_remaining_micros": 1, "currency": "USD", "top_up_url": "javascript:alert(1)"}
    balance = play(response(200, body)).run(platform.fetch_balance(caller(), BASE))

    assert balance.top_up_url is None


def test_unknown_fields_are_ignored() -> None:
    assert platform.connection_of({**ROW, "shiny": [1]}) == platform.connection_of(ROW)
    assert platform.integration_of({**INTEGRATION, "shiny": 1}).slug == "gmail"


def test_context_of_an_older_backend_is_read_from_the_metadata() -> None:
    row = {
        "slug": "instagram",
        "status": "connected",
        "metadata": {"context": {"instagram": {"ig_user_id": "17"}, "supabase": {"ref": "x"}}},
    }

    assert platform.connection_of(row).context == {"ig_user_id": "17"}
    assert platform.connection_of({**row, "context": None}).context == {"ig_user_id": "17"}
    assert platform.connection_of({**row, "context": {"ig_user_id": "18"}}).context == {
        "ig_user_id": "18"
    }


@pytest.mark.parametrize(
    "metadata", [{}, {"context": None}, {"context": []}, {"context": {}}, {"context": {"a": 7}}]
)
def test_metadata_without_a_context_of_this_slug_gives_none(metadata: object) -> None:
    row = {"slug": "a", "status": "connected", "metadata": metadata}

    assert platform.connection_of(row).context is None


@pytest.mark.parametrize("field", sorted(ROW))
@pytest.mark.parametrize("wrong", [7, 1.5, [], [[]]])
def test_a_connections_field_of_the_wrong_type_is_named(field: str, wrong: object) -> None:
    with pytest.raises(UpstreamError, match=rf"a connection .*{field}") as caught:
        platform.connection_of({**ROW, field: wrong})

    assert caught.value.code == "upstream_error"
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("field", ["slug", "status"])
def test_connection_without_slug_or_status_is_an_error(field: str) -> None:
    row = {"slug": "gmail", "status": "connected"}
    del row[field]
    for nothing in (row, {**row, field: None}):
        with pytest.raises(UpstreamError, match=f"without {field}"):
            platform.connection_of(nothing)


@pytest.mark.parametrize(
    "bootstrap",
    [
        {},
        {"vars": None},
        {"vars": {}},
        {"vars": ["NAME"]},
        {"vars": [{"name": "A"}]},
        {"vars": [{"value_from": "b"}]},
        {"vars": [{"name": 1, "value_from": "b"}]},
        {"vars": [], "restart": 1},
    ],
)
def test_a_malformed_env_bootstrap_is_one_typed_error(bootstrap: object) -> None:
    for read, row in ((platform.connection_of, ROW), (platform.integration_of, INTEGRATION)):
        with pytest.raises(UpstreamError, match="env_bootstrap"):
            read({**row, "env_bootstrap": bootstrap})


def test_env_bootstrap_restarts_nothing_by_default() -> None:
    connection = platform.connection_of({**ROW, "env_bootstrap": {"vars": []}})

    assert connection.env_bootstrap == EnvBootstrap(vars=(), restart="none")


def test_a_connections_repr_shows_no_credential() -> None:
    assert "canary" not in repr(platform.connection_of(ROW))


def test_every_field_of_an_integration_is_read() -> None:
    assert platform.integration_of(INTEGRATION) == Integration(
        **{**INTEGRATION, "supported_profiles": ("user_oauth", "byok_static")}
    )


def test_provider_of_the_anonymous_catalog_is_the_slug() -> None:
    row = {name: value for name, value in INTEGRATION.items() if name != "slug"}

    assert platform.integration_of({**row, "provider": "gmail"}).slug == "gmail"
    assert platform.integration_of({**row, "slug": None, "provider": "gmail"}).slug == "gmail"
    assert platform.integration_of({**row, "slug": "a", "provider": "b"}).slug == "a"
    with pytest.raises(UpstreamError, match="without provider"):
        platform.integration_of(row)


@pytest.mark.parametrize("field", sorted(INTEGRATION))
@pytest.mark.parametrize("wrong", [7, 1.5, [1], [[]]])
def test_an_integrations_field_of_the_wrong_type_is_named(field: str, wrong: object) -> None:
    with pytest.raises(UpstreamError, match=field):
        platform.integration_of({**INTEGRATION, field: wrong})


def test_connections_are_requested_with_and_without_the_sandbox(play: Play) -> None:
    script = play(response(200, {"connections": [ROW]}), response(200, {"connections": []}))

    rows = script.run(platform.fetch_connections(caller(), BASE, sandbox=False))
    assert [row.slug for row in rows] == ["supabase"]
    assert script.run(platform.fetch_connections(caller(), BASE, sandbox=True)) == []
    assert [request.url for request in script.requests] == [
        f"{BASE}/api/deployments/me/connections",
        f"{BASE}/api/deployments/me/connections?sandbox=1",
    ]


@pytest.mark.parametrize(
    "body", [None, [], {}, {"connections": None}, {"connections": {}}, {"connections": ["x"]}]
)
def test_a_list_of_connections_of_the_wrong_shape_is_one_typed_error(
    play: Play, body: object
) -> None:
    with pytest.raises(UpstreamError):
        play(response(200, body)).run(platform.fetch_connections(caller(), BASE, sandbox=False))


def test_integrations_are_requested_with_or_without_a_key(play: Play) -> None:
    script = play(*[response(200, {"integrations": [INTEGRATION]})] * 2)

    assert script.run(platform.fetch_integrations(caller(), BASE))[0].slug == "gmail"
    script.run(platform.fetch_integrations(caller(api_key=None), BASE))
    assert script.requests[0].url == f"{BASE}/api/integrations"
    assert "Authorization" in script.requests[0].headers
    assert "Authorization" not in script.requests[1].headers


def test_unknown_integration_is_none(play: Play) -> None:
    script = play(
        response(200, INTEGRATION), response(404, {"error": {"code": "provider_unknown"}})
    )

    found = script.run(platform.fetch_integration(caller(), BASE, "gm/ail"))
    assert found is not None
    assert found.slug == "gmail"
    assert script.run(platform.fetch_integration(caller(), BASE, "nosuch")) is None
    assert script.requests[0].url == f"{BASE}/api/integrations/gm%2Fail"


def test_other_errors_of_one_integration_are_raised(play: Play) -> None:
    with pytest.raises(AuthError):
        play(response(401)).run(platform.fetch_integration(caller(), BASE, "gmail"))


def test_the_balance_is_micros_and_dollars(play: Play) -> None:
    body = {"credits_remaining_micros": 1_234_567, "currency": "USD", "top_up_url": "https://t"}
    balance = play(response(200, body)).run(platform.fetch_balance(caller(), BASE))

    assert balance == Balance(1_234_567, "USD", "https://t")
    assert balance.credits_remaining == Decimal("1.234567")


def test_currency_and_link_of_a_balance_are_optional(play: Play) -> None:
    script = play(response(200, {"credits_remaining_micros": -5}))
    balance = script.run(platform.fetch_balance(caller(), BASE))

    assert balance == Balance(-5, "USD", None)
    assert balance.credits_remaining == Decimal("-0.000005")


@pytest.mark.parametrize("micros", [None, "5", 5.0, True, [5], float("nan")])
def test_micros_are_integers(play: Play, micros: object) -> None:
    with pytest.raises(UpstreamError, match="credits_remaining_micros"):
        play(response(200, {"credits_remaining_micros": micros})).run(
            platform.fetch_balance(caller(), BASE)
        )


def test_spend_caps_are_micros_and_dollars_and_none_where_there_is_no_cap(play: Play) -> None:
    body = {
        "daily_micros": 2_500_000, "monthly_micros": None,
        "used_today_micros": 1, "used_month_micros": 10,
    }  # fmt: skip
    caps = play(response(200, body)).run(platform.fetch_spend_caps(caller(), BASE))

    assert caps == SpendCaps(2_500_000, None, 1, 10)
    assert (caps.daily, caps.monthly) == (Decimal("2.5"), None)
    assert (caps.used_today, caps.used_month) == (Decimal("0.000001"), Decimal("0.00001"))
    assert SpendCaps(None, 7_000_000, 0, 0).monthly == 7


@pytest.mark.parametrize(
    "field", ["daily_micros", "monthly_micros", "used_today_micros", "used_month_micros"]
)
def test_a_cap_of_the_wrong_type_is_named(play: Play, field: str) -> None:
    body = dict.fromkeys(["used_today_micros", "used_month_micros"], 1) | {field: "1"}
    with pytest.raises(UpstreamError, match=field):
        play(response(200, body)).run(platform.fetch_spend_caps(caller(), BASE))


@pytest.mark.parametrize("period", ["day", "month"])
def test_usage_is_passed_through(play: Play, period: str) -> None:
    script = play(response(200, {"anything": [1]}))

    assert script.run(platform.fetch_usage(caller(), BASE, period)) == {"anything": [1]}
    assert script.requests[0].url == f"{BASE}/api/billing/usage?period={period}"


def test_usage_that_is_not_an_object_is_one_typed_error(play: Play) -> None:
    with pytest.raises(UpstreamError, match="usage"):
        play(response(200, [])).run(platform.fetch_usage(caller(), BASE, "day"))


@pytest.mark.parametrize("period", ["", "year", "DAY", "month&x=1", None, []])
def test_unknown_period_is_an_error_before_sending(play: Play, period: Any) -> None:
    with pytest.raises(ValidationError, match="period="):
        play().run(platform.fetch_usage(caller(), BASE, period))


WRONG = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers())
ROWS = st.dictionaries(st.sampled_from(sorted(ROW)), WRONG | st.dictionaries(st.text(), WRONG))


@given(ROWS)
def test_any_row_is_a_connection_or_one_typed_error(row: dict[str, Any]) -> None:
    try:
        connection = platform.connection_of(row)
    except UpstreamError:
        return
    assert connection.slug == row["slug"]
