"""`token` and `tokens`: plain values for `settings.py`, or one error with the fix."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from django.core.exceptions import ImproperlyConfigured

from vendo_django import MaskedStr, token, tokens
from vendo_django.checks import check_key

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo


def test_a_token_is_a_masked_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", " sk-canary ")

    value = token("OpenAI")

    assert value == "sk-canary"
    assert isinstance(value, MaskedStr)
    assert (value.slug, value.expires) == ("openai", False)


def test_a_missing_token_says_which_variable_to_set() -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        token("openai")

    assert "OPENAI_API_KEY" in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_default_replaces_a_missing_token() -> None:
    assert token("openai", default=None) is None
    assert token("openai", "fallback") == "fallback"


def test_a_default_does_not_hide_a_malformed_value(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="slug"):
        token("open ai", default=None)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary\nsecond line")
    with pytest.raises(ImproperlyConfigured, match="OPENAI_API_KEY") as caught:
        token("openai", default=None)
    assert "canary" not in str(caught.value)


def test_everything_that_is_missing_is_in_one_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_canary")

    with pytest.raises(ImproperlyConfigured) as caught:
        tokens("openai", "github", "slack", "in-house")

    text = str(caught.value)
    assert "OPENAI_API_KEY" in text
    assert "SLACK_BOT_TOKEN" in text
    assert "VENDO_TOKEN_IN_HOUSE" in text
    assert "github" not in text.lower()
    assert "canary" not in text


def test_tokens_are_masked_values_by_slug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp-canary")

    found = tokens("openai", "GitHub")

    assert found == {"openai": "sk-canary", "GitHub": "ghp-canary"}
    assert "canary" not in repr(found)


def test_several_tokens_come_from_vendo_in_one_request(vendo_mode: LocalVendo) -> None:
    vendo_mode.clear_requests()

    found = tokens("gmail", "openai")

    assert found == {"gmail": vendo_mode.token("gmail"), "openai": "sk-openai"}
    assert vendo_mode.count("credentials") == 1
    assert found["gmail"].expires
    assert not found["openai"].expires


def test_an_unconnected_provider_is_an_error_with_its_fix(vendo_mode: LocalVendo) -> None:
    with pytest.raises(ImproperlyConfigured, match="slack"):
        tokens("gmail", "slack")


def test_a_provider_connected_between_two_requests_is_not_missing(
    vendo_mode: LocalVendo,
) -> None:
    # The request for both gets its response; the request for the reason waits.
    with vendo_mode.hold("credentials", "slack") as gate, ThreadPoolExecutor(1) as pool:
        asking = pool.submit(tokens, "gmail", "slack")
        gate.wait_for(1)
        vendo_mode.connect("slack")
        gate.release()
        assert asking.result()["slack"] == vendo_mode.token("slack")


def test_a_default_replaces_an_unknown_provider_but_no_other_error(
    vendo_mode: LocalVendo,
) -> None:
    assert token("slack", default=None) is None
    assert token("in-house", default=None) is None
    vendo_mode.set_status("gmail", "needs_reauth")
    with pytest.raises(ImproperlyConfigured):
        token("gmail", default=None)


def test_the_backends_error_does_not_contain_the_key(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()

    for ask in (lambda: token("gmail", default=None), lambda: tokens("gmail")):
        with pytest.raises(ImproperlyConfigured) as caught:
            ask()
        assert vendo_mode.api_key not in str(caught.value)


def test_in_a_build_what_is_missing_is_an_empty_placeholder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDO_DJANGO_BUILD", "1")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_canary")

    assert token("openai") == ""
    assert token("github") == "ghp_canary"
    assert token("openai", default="x") == "x"
    assert tokens("openai", "github") == {"openai": "", "github": "ghp_canary"}


def test_in_a_build_no_backend_is_needed(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_DJANGO_BUILD", "1")
    vendo_mode.revoke_key()

    assert token("gmail") == ""
    assert tokens("gmail", "openai") == {"gmail": "", "openai": ""}


@pytest.mark.parametrize("name", ["OPENAI_API_KEY", "VENDO_TOKEN_OPENAI", "VENDO_API_KEY"])
def test_a_build_needs_no_file_that_is_mounted_later(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    monkeypatch.setenv(f"{name}_FILE", str(tmp_path / "secret"))
    with pytest.raises(ImproperlyConfigured, match=f"{name}_FILE"):
        token("openai")
    monkeypatch.setenv("VENDO_DJANGO_BUILD", "1")

    assert token("openai") == ""
    assert tokens("openai", "github") == {"openai": "", "github": ""}
    assert check_key() == []

    (tmp_path / "secret").write_text("two\nlines")
    with pytest.raises(ImproperlyConfigured, match=f"{name}_FILE"):
        tokens("openai")


def test_a_build_still_reports_malformed_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_DJANGO_BUILD", "1")

    with pytest.raises(ImproperlyConfigured):
        token("no slug!")
    with pytest.raises(ImproperlyConfigured):
        tokens("openai", "no slug!")


@pytest.mark.parametrize("value", ["true", "yes", "TRUE", "2"])
def test_the_error_names_a_build_variable_of_another_value(
    value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_DJANGO_BUILD", value)
    for get in (token, tokens):
        with pytest.raises(ImproperlyConfigured, match="set VENDO_DJANGO_BUILD=1"):
            get("openai")
    for unset in ("", "0"):
        monkeypatch.setenv("VENDO_DJANGO_BUILD", unset)
        with pytest.raises(ImproperlyConfigured, match=r"^(?!.*BUILD)"):
            token("openai")


def test_another_value_of_the_variable_does_not_start_a_build(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for value in ("", "0", "false"):
        monkeypatch.setenv("VENDO_DJANGO_BUILD", value)
        with pytest.raises(ImproperlyConfigured):
            token("openai")


def test_importing_settings_loads_few_modules() -> None:
    program = """
import os, sys
os.environ["OPENAI_API_KEY"] = "sk"
from vendo_django import token
assert token("openai") == "sk"
heavy = {"ssl", "asyncio", "http.client", "requests", "django.db", "django.apps.registry",
         "django.http", "django.contrib.auth"}
print(sorted(heavy & set(sys.modules)))
"""
    printed = subprocess.check_output([sys.executable, "-W", "error", "-c", program], text=True)
    assert printed.strip() == "[]"


def test_the_package_knows_its_names() -> None:
    import vendo_django

    assert set(vendo_django.__all__) <= set(dir(vendo_django))
    assert all(getattr(vendo_django, name) for name in vendo_django.__all__)
    with pytest.raises(AttributeError, match="tokenn"):
        _ = vendo_django.tokenn  # type: ignore[attr-defined]
