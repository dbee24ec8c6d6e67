"""Each way in which a provider takes its credential, and how each provider rejects one."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlencode

import pytest

from testing.local_http import Response, bearer, send
from vendo._catalog import catalog
from vendo._catalog.data import PROVIDERS
from vendo.testing import LocalVendo
from vendo.testing._providers.credentials import PLACES

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def basic(user: str, password: str = "") -> dict[str, str]:
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def sent(server: LocalVendo, slug: str, kind: str, template: str, token: str) -> Response:
    """Send a request with the token in a place of `PLACES`."""
    provider = catalog.provider(slug)
    assert provider is not None
    headers, query, body = dict(provider.extra_headers), "", None
    if kind == "header":
        name, _, value = template.partition(": ")
        headers[name] = value.replace("{token}", token)
    elif kind == "basic":
        user, _, password = template.replace("{token}", token).replace("*", "any").partition(":")
        headers |= basic(user, password)
    elif kind == "query":
        query = "?" + urlencode({template: token, "other": "1"})
    else:
        headers, body = headers | FORM, urlencode({"other": "1", template: token})
    return send(f"{server.provider_url(slug)}/v9/any{query}", "POST", headers, body)


@pytest.mark.parametrize(
    ("slug", "kind", "template"),
    [
        *((slug, *place) for slug, places in PLACES.items() for place in places),
        *(
            (slug, "query", name)
            for slug, row in PROVIDERS.items()
            for name in row.get("query", ())
        ),
    ],
)
def test_provider_accepts_each_place_and_does_not_repeat_the_token(
    slug: str, kind: str, template: str
) -> None:
    with LocalVendo([slug]) as server:
        token = server.token(slug)
        accepted = sent(server, slug, kind, template, token)
        assert (accepted.status, accepted.json["path"]) == (200, "/v9/any")
        assert token not in accepted.text
        if kind in {"query", "form"}:
            assert "other" in accepted.json["query"] or "other=1" in accepted.json["body"]
        server.expire(slug)
        assert "path" not in sent(server, slug, kind, template, token).json


@pytest.mark.parametrize("slug", sorted(PLACES))
def test_places_are_of_providers_in_the_catalog(slug: str) -> None:
    assert catalog.provider(slug) is not None


@pytest.mark.parametrize("scheme", ["token", "Token", "TOKEN", "bearer", "BEARER"])
def test_scheme_is_read_in_any_case(scheme: str) -> None:
    with LocalVendo(["github"]) as server:
        headers = {"Authorization": f"{scheme} {server.token('github')}"}
        assert send(f"{server.provider_url('github')}/user", headers=headers).status == 200


def test_token_in_a_place_of_another_provider_is_rejected() -> None:
    with LocalVendo(["openai", "notion"]) as server:
        for slug in ("openai", "notion"):
            token = server.token(slug)
            url = server.provider_url(slug)
            for headers in (basic(token), {"x-api-key": token}, {"Authorization": token}):
                assert send(f"{url}/v1/models", headers=headers).status == 401
            assert send(f"{url}/v1/models?key={token}&token={token}").status == 401
            assert send(f"{url}/any", "POST", FORM, f"token={token}").status == 401


def test_form_of_another_content_type_has_no_token() -> None:
    with LocalVendo(["slack"]) as server:
        body = urlencode({"token": server.token("slack")})
        url = f"{server.provider_url('slack')}/auth.test"
        assert send(url, "POST", FORM, body).json["ok"] is True
        for kind in ("text/plain", "application/json"):
            assert send(url, "POST", {"Content-Type": kind}, body).json["error"] == "invalid_auth"
        assert send(url, "POST", FORM, b"token=\xff%ff").json["error"] == "invalid_auth"


def test_one_valid_credential_of_several_is_enough() -> None:
    with LocalVendo(["slack"]) as server:
        url, token = f"{server.provider_url('slack')}/auth.test", server.token("slack")
        response = send(url, "POST", {**FORM, **bearer("stale")}, urlencode({"token": token}))
        assert response.json["ok"] is True


def test_proxy_accepts_an_api_key_where_the_sdk_puts_it() -> None:
    with LocalVendo({"anthropic": {"profile": "vendo_managed_pool"}}) as server:
        headers = {"x-api-key": server.api_key, "anthropic-version": "1"}
        url = f"{server.provider_url('anthropic')}/v1/models"
        assert send(url, headers=headers).json["data"]
        server.revoke_key()
        assert send(url, headers=headers).status == 401


GOOGLE = 'Bearer realm="https://accounts.google.com/", error="invalid_token"'


@pytest.mark.parametrize(
    ("slug", "status", "authenticate", "part"),
    [
        ("github", 401, None, {"message": "Bad credentials", "status": "401"}),
        ("slack", 200, None, {"ok": False, "error": "invalid_auth"}),
        ("notion", 401, None, {"object": "error", "code": "unauthorized"}),
        ("anthropic", 401, None, {"type": "error"}),
        ("gmail", 401, GOOGLE, {}),
        ("googledrive", 401, GOOGLE, {}),
        ("stripe", 401, 'Basic realm="Stripe"', {}),
        ("telegram", 401, None, {"ok": False, "error_code": 401}),
        ("airtable", 401, "Bearer", {}),
        ("in-house", 401, "Bearer", {}),
    ],
)
def test_rejection_has_the_providers_own_shape(
    slug: str, status: int, authenticate: str | None, part: dict[str, Any]
) -> None:
    with LocalVendo([slug]) as server:
        response = send(f"{server.provider_url(slug)}/any", headers=bearer("stale"))
        assert (response.status, response.headers["WWW-Authenticate"]) == (status, authenticate)
        assert part.items() <= response.json.items()


def test_head_is_answered_as_get_without_a_body() -> None:
    with LocalVendo(["openai", "gmail"]) as server:
        for slug, path in (("openai", "/models"), ("gmail", "/gmail/v1/users/me/profile")):
            url, headers = server.provider_url(slug) + path, bearer(server.token(slug))
            whole, head = send(url, headers=headers), send(url, "HEAD", headers)
            assert (head.status, head.body) == (200, b"")
            assert head.headers["Content-Length"] == str(len(whole.body))
