"""`token(slug, default=...)`: a provider without a credential, in both modes."""

from __future__ import annotations

from typing import Any

import pytest

import vendo
from support.ways import WAYS, Way, run
from vendo import NotConnected, VendoError
from vendo.testing import LocalVendo, MockClient


@pytest.mark.parametrize("default", [None, "", "fallback", 0])
def test_default_is_returned_where_no_variable_is_set(default: object) -> None:
    assert vendo.token("sentry", default=default) is default
    assert vendo.token("not-in-the-catalog", default=default) is default


def test_default_is_not_used_where_there_is_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_AUTH_TOKEN", "of-the-variable")
    assert vendo.token("sentry", default=None) == "of-the-variable"


def test_without_a_default_it_raises() -> None:
    with pytest.raises(NotConnected):
        vendo.token("sentry")
    with pytest.raises(TypeError):
        vendo.token("sentry", None)  # type: ignore[call-overload]  # the point


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("slug", ["sentry", "gmail", "nosuch"])
def test_a_slug_without_a_credential_in_vendo_mode(way: Way, server: LocalVendo, slug: str) -> None:
    server.set_status("gmail", "revoked")

    def optional(client: Any) -> Any:
        return client.token(slug, default=None)

    assert run(way, server._addresses(), optional) is None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 503}, vendo.UpstreamError),
        ({"code": "app_revoked"}, vendo.AuthError),
        ({"code": "connection_needs_reauth"}, vendo.NeedsReauth),
        ({"html": True}, vendo.UpstreamError),
        ({"status": 404}, VendoError),
    ],
)
def test_every_other_error_is_raised(
    way: Way, server: LocalVendo, fault: dict[str, Any], error: type[VendoError]
) -> None:
    server.fail("credentials", times=None, **fault)

    def optional(client: Any) -> Any:
        return client.token("gmail", default=None)

    with pytest.raises(error):
        run(way, {**server._addresses(), "retry": vendo.RetryPolicy(1)}, optional)


def test_a_malformed_slug_or_variable_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENTRY_AUTH_TOKEN", "two\nlines")
    for slug in ("open ai", "sentry"):
        with pytest.raises(vendo.ValidationError):
            vendo.token(slug, default=None)


def test_a_mock_has_it_too() -> None:
    assert MockClient({"openai": "sk"}).token("sentry", default=None) is None
    assert MockClient({"openai": "sk"}).token("openai", default=None) == "sk"
