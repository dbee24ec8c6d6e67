"""The signed-in user: only behind the platform's proxy, never from headers alone."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import vendo
from vendo import VendoIdentity, sso

HEADERS = {
    "X-Vendo-User-Id": "usr_1",
    "X-Vendo-User-Email": "user@example.com",
    "X-Vendo-User-Name": "A User",
    "X-Vendo-Tenant-Id": "ten_1",
    "X-Vendo-Role": "owner",
    "X-Vendo-User-JWT": "header.payload.signature",
}
IDENTITY = VendoIdentity("usr_1", "user@example.com", "A User", "ten_1", "owner")


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_AUTH", "1")


class TestBehindTheProxy:
    @pytest.mark.parametrize(("value", "expected"), [("1", True), (" 1 ", True), ("0", False)])
    def test_vendo_auth_1_means_behind_the_proxy(
        self, value: str, expected: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VENDO_AUTH", value)
        assert sso.is_enabled() is expected

    @pytest.mark.parametrize("value", [None, "", "0", "true", "yes", "01", "\u0661", "1 1"])
    def test_without_vendo_auth_the_headers_are_ignored(
        self, value: str | None, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        if value is not None:
            monkeypatch.setenv("VENDO_AUTH", value)

        assert not sso.is_enabled()
        assert sso.identity_from_headers(HEADERS) is None
        assert sso.identity_response(HEADERS) == {}

    def test_variable_is_read_at_every_call(self, monkeypatch: pytest.MonkeyPatch) -> None:
        assert sso.identity_from_headers(HEADERS) is None
        monkeypatch.setenv("VENDO_AUTH", "1")
        assert sso.identity_from_headers(HEADERS) == IDENTITY

    @pytest.mark.parametrize("key", [None, "vendo_sk_" + "k" * 32])
    @pytest.mark.usefixtures("proxied")
    def test_both_modes(self, key: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
        if key is not None:
            monkeypatch.setenv("VENDO_API_KEY", key)

        assert sso.identity_from_headers(HEADERS) == IDENTITY


@pytest.mark.usefixtures("proxied")
class TestIdentity:
    @pytest.mark.parametrize(
        "headers",
        [
            HEADERS,
            {name.lower(): value for name, value in HEADERS.items()},
            list(HEADERS.items()),
            [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()],
            {
                "wsgi.multithread": True,
                **{f"HTTP_{name.upper().replace('-', '_')}": v for name, v in HEADERS.items()},
            },
            {name: f" {value} " for name, value in HEADERS.items()},
        ],
        ids=["as sent", "lower case", "pairs", "asgi", "wsgi", "padded"],
    )
    def test_headers_name_a_user(self, headers: object) -> None:
        assert sso.identity_from_headers(headers) == IDENTITY

    @pytest.mark.parametrize("name", [None, "", "  "])
    def test_a_name_may_be_empty(self, name: str | None) -> None:
        headers = {**HEADERS, "X-Vendo-User-Name": name}
        if name is None:
            del headers["X-Vendo-User-Name"]

        identity = sso.identity_from_headers(headers)
        assert identity is not None
        assert identity.name == ""

    @pytest.mark.parametrize(
        "header", ["X-Vendo-User-Id", "X-Vendo-User-Email", "X-Vendo-Tenant-Id", "X-Vendo-Role"]
    )
    @pytest.mark.parametrize("value", [None, "", "   ", []])
    def test_missing_or_invalid_header_gives_no_identity(self, header: str, value: object) -> None:
        headers: dict[str, Any] = {**HEADERS, header: value}
        if value is None:
            del headers[header]

        assert sso.identity_from_headers(headers) is None

    @pytest.mark.parametrize("header", list(HEADERS)[:5])
    def test_contradictory_headers_give_no_identity(self, header: str) -> None:
        assert sso.identity_from_headers([*HEADERS.items(), (header.lower(), "other")]) is None

    def test_header_named_like_an_environ_key_gives_no_identity(self) -> None:
        forged = {f"HTTP_{name.upper().replace('-', '_')}": v for name, v in HEADERS.items()}

        assert sso.identity_from_headers({"Host": "app.example.com", **forged}) is None

    @pytest.mark.parametrize("role", ["owner", "member", "viewer"])
    def test_a_role_is_passed_on(self, role: str) -> None:
        identity = sso.identity_from_headers({**HEADERS, "X-Vendo-Role": role})
        assert identity is not None
        assert identity.role == role

    @pytest.mark.parametrize("role", ["Owner", "admin", "owner,member", "owner\x00"])
    def test_another_role_is_no_user(self, role: str) -> None:
        assert sso.identity_from_headers({**HEADERS, "X-Vendo-Role": role}) is None

    @pytest.mark.parametrize("header", list(HEADERS)[:5])
    @pytest.mark.parametrize("end", [",usr_other", "\x00", "\x85", "\u2028", "\x1f"])
    def test_merged_or_broken_headers_are_no_user(self, header: str, end: str) -> None:
        sent = {**HEADERS, header: f"{HEADERS[header]}{end}x"}
        is_name = header == "X-Vendo-User-Name" and "," in end
        assert (sso.identity_from_headers(sent) is not None) is is_name

    @pytest.mark.parametrize(
        ("sent", "name"),
        [
            ("Jos\u00e9 \u00e0".encode().decode("latin-1"), "Jos\u00e9 \u00e0"),
            ("\u8c22".encode().decode("latin-1"), "\u8c22"),
            ("Jos\u00e9", "Jos\u00e9"),
            ("\u8c22", "\u8c22"),
        ],
    )
    def test_utf8_name_is_read_with_any_decoding_of_the_framework(
        self, sent: str, name: str
    ) -> None:
        identity = sso.identity_from_headers({**HEADERS, "X-Vendo-User-Name": sent})
        assert identity is not None
        assert identity.name == name

    def test_object_without_headers_is_an_error(self) -> None:
        with pytest.raises(vendo.ValidationError, match="not a collection of headers"):
            sso.identity_from_headers(None)

    def test_it_cannot_be_changed(self) -> None:
        identity = sso.identity_from_headers(HEADERS)
        with pytest.raises(AttributeError):
            identity.role = "owner"  # type: ignore[misc, union-attr]  # the point


@pytest.mark.usefixtures("proxied")
class TestIdentityResponse:
    def test_it_has_the_user_and_the_urls(self) -> None:
        body = sso.identity_response(HEADERS)

        assert body == {
            "user_id": "usr_1",
            "email": "user@example.com",
            "name": "A User",
            "tenant_id": "ten_1",
            "role": "owner",
            "logout_url": "/__vendo/auth/logout",
            "dashboard_url": "https://vendo.run/dashboard",
        }
        assert "signature" not in json.dumps(body)

    def test_it_is_empty_without_a_signed_in_user(self) -> None:
        assert sso.identity_response({}) == {}


def test_paths_follow_the_contract() -> None:
    assert sso.IDENTITY_ENDPOINT_PATH == "/api/vendo/identity"
    assert sso.logout_url() == "/__vendo/auth/logout"
    assert sso.dashboard_url() == "https://vendo.run/dashboard"


def test_identity_loads_nothing_of_http() -> None:
    program = """
import os, sys
before = set(sys.modules)
import vendo
os.environ["VENDO_AUTH"] = "1"
vendo.sso.identity_from_headers({"X-Vendo-User-Id": "usr_1"})
vendo.deployment.tenant_id()
new = set(sys.modules) - before
print(sorted(new & {"ssl", "socket", "asyncio", "http", "json", "logging"}))
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )

    assert done.stdout.strip() == "[]"
