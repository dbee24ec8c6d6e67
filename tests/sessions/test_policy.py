"""The hosts a token may be sent to, without an HTTP library."""

from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vendo import ValidationError
from vendo._catalog import catalog
from vendo._protocol.origins import checked_origin
from vendo._sessions.hosts import checked_hosts, is_same_origin, joined, session_origin
from vendo._sessions.policy import Policy


def error_text(rules: Policy, url: str) -> str:
    with pytest.raises(ValidationError) as caught:
        rules.admit(url)
    return str(caught.value)


@pytest.mark.parametrize("slug", catalog.slugs())
def test_each_providers_own_base_url_and_its_vendo_proxy_are_allowed(slug: str) -> None:
    rules = Policy(slug)
    base = rules.base_url()

    assert base is None or rules.allows(f"{base}/x")
    assert rules.allows(f"https://{slug}-proxy.vendo.run/x")
    assert not rules.allows("https://example.org/")
    assert not rules.allows(f"https://x{slug}-proxy.vendo.run/x")


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://gmail.googleapis.com/x", True),
        ("https://GMAIL.GoogleAPIs.com:443/x", True),
        ("https://gmail.googleapis.com./x", True),
        ("https://gmail.googleapis.com:8443/x", False),
        ("wss://gmail.googleapis.com/x", True),
        ("WSS://gmail.googleapis.com:443/x", True),
        ("wss://gmail.googleapis.com:80/x", False),
        ("ws://gmail.googleapis.com/x", False),
        ("ws://gmail.googleapis.com:443/x", False),
        ("http://gmail.googleapis.com/x", False),
        ("https://gmail.googleapis.com.example.org/x", False),
        ("https://gmail.googleapis.com@example.org/x", False),
        ("https://example.org\\@gmail.googleapis.com/x", False),
        ("https://example.org#@gmail.googleapis.com/x", False),
        ("https://example.org?@gmail.googleapis.com/x", False),
        ("ftp://gmail.googleapis.com/x", False),
        ("https://[gmail.googleapis.com/x", False),
        ("https://gmail.googleapis.com:99999/x", False),
        ("//gmail.googleapis.com/x", False),
        ("gmail.googleapis.com/x", False),
        ("", False),
    ],
)
def test_only_the_exact_host_over_https_is_allowed(url: str, allowed: bool) -> None:
    assert Policy("gmail").allows(url) is allowed


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://us1.api.mailchimp.com/x", True),
        ("https://a.b.api.mailchimp.com/x", True),
        ("https://api.mailchimp.com/x", False),
        ("https://evilapi.mailchimp.com/x", False),
        ("https://.api.mailchimp.com/x", False),
    ],
)
def test_pattern_matches_every_subdomain(url: str, allowed: bool) -> None:
    assert Policy("mailchimp").allows(url) is allowed


@pytest.mark.parametrize(
    ("host", "url", "allowed"),
    [
        ("api.example.com", "https://api.example.com:8443/", True),
        ("API.Example.COM.", "https://api.example.com/", True),
        ("api.example.com:8443", "https://api.example.com:8443/", True),
        ("api.example.com:8443", "https://api.example.com/", False),
        ("*.example.com", "https://a.b.example.com/", True),
        ("*.example.com", "https://example.com/", False),
        ("bücher.example", "https://xn--bcher-kva.example/", True),
        ("bücher.example", "https://bücher.example/", True),
        ("localhost", "http://localhost:5000/", True),
        ("localhost", "ws://localhost:5000/", True),
        ("localhost:80", "ws://localhost/", True),
        ("localhost:80", "wss://localhost/", False),
        ("127.0.0.1:5000", "http://127.0.0.1:5000/", True),
        ("127.0.0.1:5000", "http://127.0.0.1:5001/", False),
        ("::1", "http://[::1]:5000/", True),
        ("[::1]:5000", "http://[::1]:5000/", True),
        ("[::1]:5000", "http://[::1]:5001/", False),
        ("api.example.com", "http://api.example.com/", False),
    ],
)
def test_callers_hosts_are_allowed(host: str, url: str, allowed: bool) -> None:
    assert Policy("openai", [host]).allows(url) is allowed


@pytest.mark.parametrize(
    "host",
    [
        *("", " ", "*", "*.", "*.com", "-", "a..b", "a:", "a:b", "a:99999", "[::1", "a/b", "a b"),
        *("https://api.example.com", "user@host", "a\nb", "a" * 64 + "ü.example", None, 7, b"a.b"),
    ],
)
def test_malformed_host_is_an_immediate_error(host: str) -> None:
    with pytest.raises(ValidationError, match="not a host"):
        Policy("openai", [host])


def test_string_in_place_of_a_list_of_hosts_is_an_error() -> None:
    with pytest.raises(ValidationError, match="must be a list") as caught:
        Policy("openai", "api.example.com")
    assert "hosts=['api.example.com']" in str(caught.value)


@pytest.mark.parametrize("hosts", [None, 5, b"api.example.com", [None], [b"api.example.com"]])
def test_hosts_that_are_not_a_list_are_an_error(hosts: Any) -> None:
    with pytest.raises(ValidationError, match=r"^hosts= "):
        Policy("openai", hosts)


@given(st.text())
@example("*.\U0001f600.com")
def test_any_host_is_a_pattern_or_one_validation_error(text: str) -> None:
    try:
        [(name, port)] = checked_hosts([text])
    except ValidationError:
        return
    assert name.isascii()
    assert name == name.lower()
    assert port is None or port <= 65535


@given(st.text())
@example("https://[")
@example("https://a:b")
@example("https://\u2100.example")
def test_any_text_is_allowed_or_one_validation_error(text: str) -> None:
    rules = Policy("openai")
    if rules.allows(text):
        assert session_origin(text)[0] == "https"
    else:
        error_text(rules, text)


def test_key_is_not_sent_to_a_websocket() -> None:
    with pytest.raises(ValidationError, match="is not an http"):
        checked_origin("wss://vendo.run", "VENDO_BASE_URL", None)


def test_overflow_of_the_host_cache_changes_nothing() -> None:
    rules = Policy("openai")
    for number in range(600):
        assert not rules.allows(f"https://h{number}.example/")
    assert rules.allows("https://api.openai.com/")


def test_error_shows_how_to_allow_the_host() -> None:
    text = error_text(Policy("openai"), "https://user:hunter2@api.example.com:8443/secret/path?x=y")

    assert "session('openai', hosts=['api.example.com:8443'])" in text
    assert "hunter2" not in text
    assert "secret" not in text


def test_plain_http_is_an_error_even_for_an_allowed_host() -> None:
    text = error_text(Policy("openai", ["api.example.com"]), "http://api.example.com/")

    assert "https" in text
    assert "hosts=" not in text


# The base URL


def test_the_base_url_of_the_environment_is_read_at_each_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rules = Policy("openai")
    assert rules.resolve("models") == "https://api.openai.com/v1/models"
    assert not rules.allows("https://gate.example.com:8443/v1/models")

    monkeypatch.setenv("OPENAI_BASE_URL", " https://gate.example.com:8443/openai/ ")
    assert rules.resolve("/models") == "https://gate.example.com:8443/openai/models"
    assert rules.allows("https://gate.example.com:8443/v1/models")
    assert not rules.allows("https://gate.example.com/v1/models")

    monkeypatch.delenv("OPENAI_BASE_URL")
    assert not rules.allows("https://gate.example.com:8443/v1/models")


def test_callers_base_url_wins_over_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "https://gate.example.com")
    rules = Policy("openai", base_url="http://localhost:8000/v1/")

    assert rules.resolve("models") == "http://localhost:8000/v1/models"
    assert rules.allows("http://localhost:8000/")
    assert not rules.allows("https://gate.example.com/")


@pytest.mark.parametrize(
    ("url", "resolved"),
    [
        ("models", "/v1/models"),
        ("/models", "/v1/models"),
        ("  models", "/v1/models"),
        ("", "/v1"),
        ("?a=b", "/v1?a=b"),
        ("models?next=https://x.example/", "/v1/models?next=https://x.example/"),
        ("a:b/c", "/v1/a:b/c"),
        ("@example.org", "/v1/@example.org"),
        (":pw@example.org", "/v1/:pw@example.org"),
    ],
)
def test_a_relative_url_comes_after_the_base_url(url: str, resolved: str) -> None:
    assert Policy("openai").resolve(url) == f"https://api.openai.com{resolved}"


def test_absolute_url_is_kept() -> None:
    url = "HTTPS://api.openai.com/v1/models"
    assert Policy("openai").resolve(url) is url


@pytest.mark.parametrize("url", ["//example.org/x", "x"])
def test_relative_url_without_a_base_url_is_an_error(url: str) -> None:
    with pytest.raises(ValidationError, match="without scheme and host") as caught:
        Policy("shopify").resolve(url)
    assert "SHOPIFY_BASE_URL" in str(caught.value)


def test_url_without_a_scheme_is_not_a_path() -> None:
    with pytest.raises(ValidationError):
        Policy("openai").resolve("//example.org/x")


@pytest.mark.parametrize(
    "value", ["http://gate.example.com", "gate.example.com", "https://u:hunter2@gate.example.com"]
)
def test_malformed_base_url_is_an_error_when_used(
    monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", value)
    rules = Policy("openai")

    assert rules.allows("https://api.openai.com/v1")
    assert not rules.allows("https://gate.example.com/v1")  # for example the target of a redirect
    for call in (rules.resolve, rules.admit):
        with pytest.raises(ValidationError, match="OPENAI_BASE_URL") as caught:
            call("//gate.example.com/x" if call == rules.admit else "x")
        assert "hunter2" not in str(caught.value)


MALFORMED = [
    "http://gate.example.com", "gate.example.com/v1", "htp://gate.example.com",
    "https://gate.example.com/v 1", "https://gate.example.com?v=1",
]  # fmt: skip


@pytest.mark.parametrize("value", MALFORMED)
def test_callers_malformed_base_url_is_an_immediate_error(value: str) -> None:
    with pytest.raises(ValidationError, match="base_url=") as caught:
        Policy("openai", base_url=value)

    fix = "Leave base_url= out, or set it to the default: https://api.openai.com/v1"
    assert caught.value.suggested_fix == fix


@pytest.mark.parametrize("value", MALFORMED)
@pytest.mark.parametrize(
    ("slug", "fix"),
    [
        ("openai", "set it to the default: https://api.openai.com/v1"),
        ("mytool", "set it to the whole URL of the provider, from https:// on."),
    ],
)
def test_fix_of_a_malformed_base_url_is_the_providers_own(
    monkeypatch: pytest.MonkeyPatch, slug: str, fix: str, value: str
) -> None:
    name = f"{slug.upper()}_BASE_URL"
    monkeypatch.setenv(name, value)

    with pytest.raises(ValidationError, match=name) as caught:
        Policy(slug).resolve("models")

    assert caught.value.suggested_fix == f"Unset {name}, or {fix}"


@pytest.mark.parametrize("base_url", [5, b"https://gate.example.com", ["https://gate.example.com"]])
def test_base_url_that_is_not_a_string_is_an_error(base_url: Any) -> None:
    with pytest.raises(ValidationError, match="base_url= must be an address, not a value of type"):
        Policy("openai", base_url=base_url)


# A slug outside the catalog


def test_a_slug_outside_the_catalog_is_bound_to_its_first_host() -> None:
    rules = Policy("mytool")
    assert not rules.allows("https://api.mytool.example/x")

    rules.admit("https://api.mytool.example/x")
    rules.admit("https://api.mytool.example/y")
    assert rules.allows("https://api.mytool.example/z")
    assert "hosts=['other.example']" in error_text(rules, "https://other.example/")
    rules.admit("https://mytool-proxy.vendo.run/")


def test_a_slug_outside_the_catalog_is_bound_by_one_thread_of_many() -> None:
    rules = Policy("mytool")

    def admitted(number: int) -> bool:
        try:
            rules.admit(f"https://h{number}.example/")
        except ValidationError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(admitted, range(64))) == 1


def test_slug_outside_the_catalog_is_limited_to_the_given_hosts() -> None:
    rules = Policy("mytool", ["api.mytool.example"])

    rules.admit("https://api.mytool.example/x")
    error_text(rules, "https://other.example/")
    error_text(Policy("mytool", base_url="https://api.mytool.example"), "https://other.example/")


@pytest.mark.parametrize("url", ["http://api.mytool.example/", "https://", "https://[", "x"])
def test_slug_is_not_bound_to_an_unsafe_url(url: str) -> None:
    rules = Policy("mytool")

    error_text(rules, url)
    rules.admit("https://api.mytool.example/")


def test_rules_keep_their_hosts_in_a_pickle() -> None:
    rules = Policy("mytool", base_url="https://gate.example.com/v1")
    bound = Policy("mytool")
    bound.admit("https://api.mytool.example/")
    patterned = Policy("openai", ["*.example.com", "::1", "localhost:8000"])

    assert pickle.loads(pickle.dumps(rules)).base_url() == "https://gate.example.com/v1"
    assert copy.deepcopy(bound).allows("https://api.mytool.example/")
    error_text(pickle.loads(pickle.dumps(bound)), "https://other.example/")
    again = pickle.loads(pickle.dumps(patterned))
    for url in ("https://a.example.com/", "http://[::1]:1/", "http://localhost:8000/"):
        assert again.allows(url)
    assert not again.allows("http://localhost:8001/")
    assert repr(again) == "<Policy 'openai'>"


def test_invalid_url_has_no_origin() -> None:
    assert not is_same_origin("https://[", "https://[")
    assert not is_same_origin("https://a.example/x", "http://a.example/x")
    assert is_same_origin("https://a.example/x", "https://A.example:443/y")


def test_invalid_location_gives_none() -> None:
    assert joined("https://a.example/x/z", "../y") == "https://a.example/y"
    assert joined("https://a.example/x", "//b.example/y") == "https://b.example/y"
    assert joined("https://a.example/x", "https://[") == ""
