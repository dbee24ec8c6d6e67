"""The addresses of the backend, and the addresses a key may be sent to."""

from __future__ import annotations

import socket
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vendo import ValidationError, Vendo
from vendo._protocol.origins import checked_origin, is_loopback, origin_of, platform_origin


@pytest.mark.parametrize(
    ("given_url", "taken"),
    [
        ("https://vendo.run", "https://vendo.run"),
        ("https://vendo.run/", "https://vendo.run"),
        ("https://vendo.run//", "https://vendo.run/"),
        ("https://vendo.run:8443", "https://vendo.run:8443"),
        ("https://gateway.example/vendo/", "https://gateway.example/vendo"),
        ("HTTPS://Vendo.Run", "HTTPS://Vendo.Run"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("http://localhost:8000/", "http://localhost:8000"),
        ("http://app.localhost", "http://app.localhost"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)
def test_last_slash_of_an_address_is_removed(given_url: str, taken: str) -> None:
    assert checked_origin(given_url, "base_url=", None) == taken


@pytest.mark.parametrize(
    ("given_url", "taken"),
    [
        ("https://vendo.run/api", "https://vendo.run"),
        ("https://vendo.run/api/", "https://vendo.run"),
        ("https://gateway.example/vendo/api", "https://gateway.example/vendo"),
        ("https://vendo.run/apis", "https://vendo.run/apis"),
        ("https://api", "https://api"),
    ],
)
def test_api_at_the_end_of_the_platforms_address_is_removed(given_url: str, taken: str) -> None:
    assert platform_origin(given_url, "base_url=") == taken


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("vendo.run", "is not an http"),
        ("ftp://vendo.run", "is not an http"),
        ("https://", "is not an http"),
        ("https:///path", "is not an http"),
        ("https://vendo.run:port", "is not an http"),
        ("https://vendo.run:99999", "is not an http"),
        ("https://[::1", "is not an http"),
        ("https://user:hunter2@vendo.run", "user name or a password"),
        ("https://@vendo.run", "user name or a password"),
        ("https://vendo.run?x=1", "more than a scheme"),
        ("https://vendo.run?", "more than a scheme"),
        ("https://vendo.run/#", "more than a scheme"),
        ("https://vendo.run#x", "more than a scheme"),
        ("https://vendo.run\\@evil.example", "user name or a password"),
        ("https://vendo.run\\x", "more than a scheme"),
        ("htp://vendo.run", "is not an http"),
        ("vendo.run/v1", "is not an http"),
        ("https://vendo .run", "white space"),
        ("https://vendo.run/v 1", "white space"),
        ("https://vendo\n.run", "white space"),
        ("https://vendo\x00.run", "more than a scheme"),
        ("https://vendö.run", "more than a scheme"),
        ("http://vendo.run", "plain http to vendo.run"),
        ("http://10.0.0.1", "plain http to 10.0.0.1"),
        ("http://localhost.evil.example", "plain http to"),
        ("http://127.0.0.1.evil.example", "plain http to"),
        ("http://127.0.0.999", "plain http to"),
    ],
)
def test_unsafe_address_is_an_error_that_names_the_setting(url: str, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        checked_origin(url, "SLACK_BASE_URL", "https://slack.com/api")

    assert "SLACK_BASE_URL" in str(caught.value)
    assert "hunter2" not in str(caught.value)
    fix = "Unset SLACK_BASE_URL, or set it to the default: https://slack.com/api"
    assert caught.value.suggested_fix == fix


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1",
     "0:0:0:0:0:0:0:1", "::ffff:127.0.0.1"],
)  # fmt: skip
def test_loopback_hosts(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host",
    ["", "notlocalhost", "128.0.0.1", "127.0.0", "127.0.0.256", "127.a.0.1", "127.0.0.1.1",
     "127.0.0.²", "0.0.0.0", "::2", "127.0.0.0000999", "127.0.0.01", "127.1", "0x7f.1",
     "0x7f.0.0.1", "2130706433", "127.0.0.1.", "localhost..", ".localhost", "a..localhost",
     "::1%eth0", "::1.", "::ffff:10.0.0.1", "١٢٧.0.0.1"],
)  # fmt: skip
def test_hosts_that_are_not_loopback(host: str) -> None:
    assert not is_loopback(host)


@given(st.one_of(
    st.text("0127x.f", max_size=16),
    st.lists(st.integers(0, 999).map(str), min_size=1, max_size=5).map(".".join),
    st.ip_addresses(v=4, network="127.0.0.0/8").map(str),
    st.ip_addresses().map(str),
    st.text("01:f.", max_size=12),
))  # fmt: skip
def test_an_address_is_loopback_where_the_system_reads_it_so(host: str) -> None:
    assert is_loopback(host) == is_loopback_for_the_system(host)


def is_loopback_for_the_system(host: str) -> bool:
    with suppress(OSError):
        return socket.inet_pton(socket.AF_INET, host)[0] == 127
    with suppress(OSError):
        address = socket.inet_pton(socket.AF_INET6, host)
        return address == bytes(15) + b"\1" or address[:13] == bytes(10) + b"\xff\xff\x7f"
    return False


@pytest.mark.parametrize("name", ["127.0.0.1.", "127.0.0.0000999", "127.1", "localhost.."])
def test_plain_http_to_a_name_that_looks_like_loopback_is_an_error(name: str) -> None:
    with pytest.raises(ValidationError, match="plain http"):
        checked_origin(f"http://{name}:8080", "VENDO_BASE_URL", None)


def test_dot_at_the_end_makes_a_name_of_an_address() -> None:
    assert origin_of("https://localhost./") == origin_of("https://localhost/")
    assert origin_of("https://127.0.0.1./") != origin_of("https://127.0.0.1/")


def test_scheme_host_and_port_make_an_origin() -> None:
    assert origin_of("https://vendo.run/a") == origin_of("https://VENDO.run:443/b?c")
    assert origin_of("https://vendo.run") != origin_of("http://vendo.run")
    assert origin_of("https://vendo.run") != origin_of("https://vendo.run:8443")
    assert origin_of("https://vendo.run") != origin_of("https://run")


@given(st.text(max_size=60))
def test_every_text_is_an_address_or_one_validation_error(text: str) -> None:
    with suppress(ValidationError):  # any other error fails the test
        assert checked_origin(text, "base_url=", None).lower().startswith(("https://", "http://"))


ENVIRONMENT = ("VENDO_BASE_URL", "VENDO_API_URL", "VENDO_CREDENTIALS_URL", "VENDO_DATA_PROXY_URL")


@pytest.fixture
def env(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_default_addresses(env: pytest.MonkeyPatch) -> None:
    settings = Vendo()._settings

    assert settings.base_url() == "https://vendo.run"
    assert settings.credentials_url() == "https://credentials.vendo.run"
    assert settings.data_proxy_url() == "https://composio-proxy.vendo.run"


def test_the_constructor_wins_over_the_environment(env: pytest.MonkeyPatch) -> None:
    for name in ENVIRONMENT:
        env.setenv(name, "https://environment.example")
    settings = Vendo(
        base_url="https://one.example/api/",
        credentials_url="https://two.example/",
        data_proxy_url=" https://three.example ",
    )._settings

    assert settings.base_url() == "https://one.example"
    assert settings.credentials_url() == "https://two.example"
    assert settings.data_proxy_url() == "https://three.example"


def test_base_url_wins_over_api_url_and_a_blank_one_counts_as_unset(
    env: pytest.MonkeyPatch,
) -> None:
    settings = Vendo()._settings
    env.setenv("VENDO_API_URL", "https://second.example/api")
    assert settings.base_url() == "https://second.example"
    env.setenv("VENDO_BASE_URL", "https://first.example/")
    assert settings.base_url() == "https://first.example"
    env.setenv("VENDO_BASE_URL", "  ")
    assert settings.base_url() == "https://second.example"
    env.setenv("VENDO_API_URL", "")
    assert settings.base_url() == "https://vendo.run"


def test_blank_worker_and_data_addresses_count_as_unset(env: pytest.MonkeyPatch) -> None:
    env.setenv("VENDO_CREDENTIALS_URL", "\t")
    env.setenv("VENDO_DATA_PROXY_URL", "")
    settings = Vendo(base_url=" ", credentials_url="", data_proxy_url=" ")._settings

    assert settings.base_url() == "https://vendo.run"
    assert settings.credentials_url() == "https://credentials.vendo.run"
    assert settings.data_proxy_url() == "https://composio-proxy.vendo.run"


DEFAULTS = {
    "base_url": "https://vendo.run",
    "credentials_url": "https://credentials.vendo.run",
    "data_proxy_url": "https://composio-proxy.vendo.run",
}


@pytest.mark.parametrize("value", ["http://vendo.run", "vendo.run", 5])
@pytest.mark.parametrize("name", DEFAULTS)
def test_bad_address_in_the_constructor_is_an_immediate_error(name: str, value: Any) -> None:
    with pytest.raises(ValidationError, match=f"{name}=") as caught:
        Vendo(**{name: value})

    fix = f"Leave {name}= out, or set it to the default: {DEFAULTS[name]}"
    assert caught.value.suggested_fix == fix


@pytest.mark.parametrize(
    ("variable", "method"),
    [
        ("VENDO_BASE_URL", "base_url"),
        ("VENDO_API_URL", "base_url"),
        ("VENDO_CREDENTIALS_URL", "credentials_url"),
        ("VENDO_DATA_PROXY_URL", "data_proxy_url"),
    ],
)
def test_bad_address_in_the_environment_is_an_error_that_names_the_variable(
    env: pytest.MonkeyPatch, variable: str, method: str
) -> None:
    settings = Vendo()._settings
    env.setenv(variable, "https://me:hunter2@vendo.run")

    with pytest.raises(ValidationError, match=variable) as caught:
        getattr(settings, method)()
    assert "hunter2" not in str(caught.value)
    fix = f"Unset {variable}, or set it to the default: {DEFAULTS[method]}"
    assert caught.value.suggested_fix == fix
