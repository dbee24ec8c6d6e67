"""An application's client is made of its options, and errors name the option."""

from __future__ import annotations

import traceback

import pytest

import vendo
from vendo import web

CANARY = "".join(reversed("yranac"))


def label(argument: str) -> str:
    return f"config[{argument.upper()!r}]"


@pytest.mark.parametrize(
    ("options", "name"),
    [
        (web.ClientOptions(api_key=web.Secret(f"two {CANARY}")), "config['API_KEY']"),
        (web.ClientOptions(base_url="http://example.com"), "config['BASE_URL']"),
        (web.ClientOptions(credentials_url="nowhere"), "config['CREDENTIALS_URL']"),
        (web.ClientOptions(data_proxy_url="nowhere"), "config['DATA_PROXY_URL']"),
        (
            web.ClientOptions(base_url=web.Secret(f"https://u:{CANARY}@example.com")),
            "config['BASE_URL']",
        ),
    ],
)
def test_an_error_names_the_option_and_no_frame_shows_its_value(
    options: web.ClientOptions, name: str
) -> None:
    with pytest.raises(vendo.VendoError) as caught:
        options.make(vendo.Vendo, label)

    assert name in caught.value.message
    assert caught.value.__context__ is None
    shown = [
        repr(frame.f_locals)
        for frame, _ in traceback.walk_tb(caught.value.__traceback__)
        if frame.f_globals["__name__"] != __name__
    ]
    assert CANARY not in str(caught.value) + "".join(shown)


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("base_url", "https://vendo.run"),
        ("credentials_url", "https://credentials.vendo.run"),
        ("data_proxy_url", "https://composio-proxy.vendo.run"),
    ],
)
def test_fix_of_a_malformed_address_is_its_own_default(name: str, default: str) -> None:
    with pytest.raises(vendo.ValidationError) as caught:
        web.ClientOptions(**{name: "nowhere"}).make(vendo.Vendo, label)  # type: ignore[arg-type]

    fix = f"Leave {label(name)} out, or set it to the default: {default}"
    assert caught.value.suggested_fix == fix


def test_a_client_is_kept_for_its_options_and_closed_with_them() -> None:
    closed: list[vendo.Vendo] = []
    cache = web.ClientCache(vendo.Vendo, label, close=closed.append)
    options, other = web.ClientOptions(timeout=5), web.ClientOptions(timeout=7)

    first = cache.make(options)
    assert cache.get(options) is cache.get(tuple(options)) is cache.make(options) is first
    assert first.timeout == 5
    second = cache.make(other)
    assert (second.timeout, cache.get(options), closed) == (7, None, [first])


def test_blank_options_are_left_to_the_environment() -> None:
    options = web.ClientOptions(web.Secret("key"), " ", credentials_url="https://c.example.com")
    assert list(options.given()) == ["api_key", "credentials_url"]


@pytest.mark.parametrize("name", ["BASE_URL", "API_URL", "CREDENTIALS_URL", "DATA_PROXY_URL"])
def test_each_malformed_address_is_found_without_a_request(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_canary")
    web.check_client(vendo.Vendo())
    monkeypatch.setenv(f"VENDO_{name}", "vendo.run")
    with pytest.raises(vendo.ValidationError, match=f"VENDO_{name}"):
        web.check_client(vendo.Vendo())
