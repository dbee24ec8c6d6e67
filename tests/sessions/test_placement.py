"""Where a provider's token is placed in a request: in a header, or in the path."""

from __future__ import annotations

import base64
import copy
import pickle

import pytest

from vendo._protocol.secret import Secret, WireSecret
from vendo._sessions.placement import Placement
from vendo._sessions.policy import Policy

SECRET = "canary-5d1f"


@pytest.mark.parametrize(
    ("slug", "token", "header", "value"),
    [
        ("openai", "t", "Authorization", "Bearer t"),
        ("anthropic", "t", "x-api-key", "t"),
        ("mytool", "t", "Authorization", "Bearer t"),
        ("linear", "lin_api_t", "Authorization", "lin_api_t"),
        ("linear", "lin_oauth_t", "Authorization", "Bearer lin_oauth_t"),
        (
            "mailchimp",
            "t",
            "Authorization",
            f"Basic {base64.b64encode(b'anystring:t').decode()}",
        ),
    ],
)
def test_header_value_follows_the_catalogs_template(
    slug: str, token: str, header: str, value: str
) -> None:
    placement = Placement(slug)
    assert (placement.header, str(placement.header_value(Secret(token)))) == (header, value)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("https://api.telegram.org/getMe", "/bot1:a/getMe"),
        ("https://api.telegram.org/getMe?x=1&y=%20", "/bot1:a/getMe?x=1&y=%20"),
        ("https://api.telegram.org/file/photos/1.jpg", "/file/bot1:a/photos/1.jpg"),
        ("https://api.telegram.org/files", "/bot1:a/files"),
        ("https://api.telegram.org", "/bot1:a/"),
        ("http://localhost:1/providers/telegram/getMe", "/providers/telegram/bot1:a/getMe"),
        ("http://localhost:1/providers/telegram", "/providers/telegram/bot1:a/"),
        ("http://localhost:1/providers/telegrams/x", "/bot1:a/providers/telegrams/x"),
    ],
)
def test_token_in_the_path_follows_the_base_urls_path(
    monkeypatch: pytest.MonkeyPatch, url: str, target: str
) -> None:
    monkeypatch.setenv("TELEGRAM_BASE_URL", "http://localhost:1/providers/telegram")

    assert str(Policy("telegram").credential(url, "1:a")) == target


def test_a_token_in_the_path_is_quoted() -> None:
    target = Policy("telegram").credential("https://api.telegram.org/getMe", "a/b?c")
    assert str(target) == "/bota%2Fb%3Fc/getMe"


@pytest.mark.parametrize(
    ("slug", "url", "headers", "own"),
    [
        ("openai", "https://api.openai.com/", {}, False),
        ("openai", "https://api.openai.com/", {"Authorization": "Bearer mine"}, True),
        ("anthropic", "https://api.anthropic.com/", {"x-api-key": "mine"}, True),
        ("anthropic", "https://api.anthropic.com/", {"Authorization": "Bearer mine"}, True),
        ("anthropic", "https://api.anthropic.com/", {"Accept": "text/plain"}, False),
        ("telegram", "https://api.telegram.org/bot1:a/getMe", {}, True),
        ("telegram", "https://api.telegram.org/file/bot1:a/x", {}, True),
        ("telegram", "https://api.telegram.org/bot/getMe", {}, False),
        ("telegram", "https://api.telegram.org/getMe", {}, False),
    ],
)
def test_callers_own_credential_is_detected(
    slug: str, url: str, headers: dict[str, str], own: bool
) -> None:
    assert Policy(slug).is_authenticated(url, headers) is own


def test_default_headers_of_a_provider_do_not_replace_the_callers() -> None:
    assert dict(Placement("anthropic").missing_headers({})) == {"anthropic-version": "2023-06-01"}
    assert not dict(Placement("anthropic").missing_headers({"anthropic-version": "2024-01-01"}))
    heroku = Placement("heroku")
    assert list(dict(heroku.missing_headers({"Accept": "*/*"}))) == ["Accept"]
    assert not dict(heroku.missing_headers({"Accept": "application/json"}))
    assert not dict(Placement("mytool").missing_headers({}))


def test_provider_headers_and_authorization_are_dropped_on_a_redirect() -> None:
    assert Placement("anthropic").secret_headers == ("Authorization", "x-api-key")
    assert Placement("openai").secret_headers == ("Authorization",)
    assert Placement("telegram").secret_headers == ("Authorization",)


def test_placed_token_is_always_masked() -> None:
    placed = WireSecret(f"Bearer {SECRET}", Secret(SECRET))

    assert placed == f"Bearer {SECRET}"
    assert f"{placed}" == f"Bearer {SECRET}"
    for shown in (repr(placed), repr({"Authorization": placed}), repr([placed])):
        assert SECRET not in shown
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        assert SECRET.encode() not in pickle.dumps({"h": placed}, protocol)
    assert pickle.loads(pickle.dumps(placed)) == "***"
    assert copy.copy(placed) is copy.deepcopy(placed) is placed
