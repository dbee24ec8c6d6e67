"""The resolution chain without an API key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import vendo
from vendo import NotConnected, ValidationError, Vendo
from vendo._config.environment import Variable, has_control_character

if TYPE_CHECKING:
    from collections.abc import Callable

CANARY = "canary-value-5f2c"


def error_of(slug: Any) -> vendo.VendoError:
    with pytest.raises(vendo.VendoError) as caught:
        vendo.token(slug)
    return caught.value


def test_a_token_is_the_conventional_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert vendo.token("openai") == "sk-1"
    assert Vendo().token("openai") == "sk-1"


def test_environment_is_read_at_every_call(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Vendo()
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert client.token("openai") == "sk-1"
    monkeypatch.setenv("OPENAI_API_KEY", "sk-2")
    assert client.token("openai") == "sk-2"
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(NotConnected):
        client.token("openai")


def test_the_override_wins_over_the_conventional_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-conventional")
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-override")
    assert vendo.token("openai") == "sk-override"


def test_the_override_works_for_a_slug_outside_the_catalog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_TOKEN_MY_OWN_TOOL", "mine")
    assert vendo.token("my-own-tool") == "mine"
    assert vendo.token("my_own_tool") == "mine"


def test_alternatives_count_in_the_catalogs_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTION_API_TOKEN", "second")
    assert vendo.token("notion") == "second"
    monkeypatch.setenv("NOTION_TOKEN", "first")
    assert vendo.token("notion") == "first"


def test_companion_variable_is_not_a_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_SIGNING_SECRET", "sign")
    with pytest.raises(NotConnected):
        vendo.token("slack")


@pytest.mark.parametrize("blank", ["", " ", "\t\n "])
def test_a_blank_value_counts_as_unset(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setenv("VENDO_TOKEN_NOTION", blank)
    monkeypatch.setenv("NOTION_TOKEN", blank)
    monkeypatch.setenv("NOTION_API_TOKEN", "ntn_1")
    assert vendo.token("notion") == "ntn_1"


def test_values_are_stripped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "  sk-1\r\n")
    assert vendo.token("openai") == "sk-1"


@pytest.mark.parametrize("character", ["\n", "\r", "\t", "\x01", "\x7f", "\x85", "\u2028"])
@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "VENDO_TOKEN_OPENAI"])
def test_control_character_is_an_error_without_the_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, character: str
) -> None:
    monkeypatch.setenv(variable, f"{CANARY}{character}{CANARY}")
    error = error_of("openai")
    assert isinstance(error, ValidationError)
    assert variable in str(error)
    assert CANARY not in str(error)
    assert CANARY not in repr(error)


def test_control_character_in_an_unused_variable_is_ignored(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NOTION_API_TOKEN", "a\nb")
    monkeypatch.setenv("NOTION_TOKEN", "ntn_1")
    assert vendo.token("notion") == "ntn_1"


def test_invalid_utf8_is_an_error_without_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", os.fsdecode(CANARY.encode() + b"\xff\xfe"))
    error = error_of("openai")
    assert isinstance(error, ValidationError)
    assert "OPENAI_API_KEY contains bytes that cannot be decoded" in str(error)
    assert CANARY not in str(error)


def test_non_ascii_letters_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "schlüssel\u00a0x")
    assert vendo.token("openai") == "schlüssel\u00a0x"


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20))
def test_any_value_is_stripped_an_error_or_unset(value: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("VENDO_TEST_VALUE", value)
        variable = Variable("VENDO_TEST_VALUE")
        if has_control_character(value.strip()):
            with pytest.raises(ValidationError):
                variable.get()
        else:
            assert variable.get() == (value.strip() or None)


def test_environment_replaced_by_a_dict_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(os, "environ", {"OPENAI_API_KEY": "sk-dict"})
    assert vendo.token("openai") == "sk-dict"


def test_slugs_are_lower_cased(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert vendo.token("OpenAI") == "sk-1"
    assert error_of("SLACK").slug == "slack"


@pytest.mark.parametrize(
    "slug",
    [
        "",
        " ",
        "-a",
        "_a",
        "a b",
        "a/b",
        "../a",
        "a.b",
        "a\n",
        "ä",
        "slac\u212a",
        "a,b",
        "a?b",
        "a%41",
    ],
)
def test_malformed_slug_is_an_error(slug: str) -> None:
    error = error_of(slug)
    assert isinstance(error, ValidationError)
    assert error.code == "validation_failed"
    assert "ASCII letters" in str(error)


@pytest.mark.parametrize("slug", [None, 1, b"openai", ["openai"], {}])
def test_slug_that_is_not_a_string_is_an_error(slug: object) -> None:
    error = error_of(slug)
    assert isinstance(error, ValidationError)
    assert type(slug).__name__ in str(error)


@pytest.mark.parametrize("call", [vendo.events.subscribe, vendo.AsyncVendo])
def test_call_that_needs_a_key_hints_at_the_env_file(
    call: Callable[[], object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("VENDO_API_KEY=vendo_sk_example\n", encoding="utf-8")
    with pytest.raises(vendo.VendoError) as caught:
        call()

    assert ".env file in the working directory sets VENDO_API_KEY" in str(caught.value)


def test_traceback_of_a_malformed_slug_has_one_error() -> None:
    with pytest.raises(ValidationError) as caught:
        vendo.token("open ai")

    assert caught.value.__context__ is None


def test_long_malformed_slug_is_shortened() -> None:
    error = error_of("x!" * 1_000_000)
    assert len(str(error)) < 300


def test_nearly_valid_slug_gets_a_suggestion() -> None:
    assert error_of("open ai").suggested_fix == "Did you mean 'openai'?"


def test_missing_variable_is_named() -> None:
    error = error_of("openai")
    assert isinstance(error, NotConnected)
    assert (error.code, error.slug, error.status) == ("binding_missing", "openai", None)
    assert "OPENAI_API_KEY is not set" in error.message
    assert error.suggested_fix == (
        "Set OPENAI_API_KEY to the credential (VENDO_TOKEN_OPENAI works too)."
    )


def test_every_alternative_variable_is_named() -> None:
    error = error_of("notion")
    assert "NOTION_TOKEN and NOTION_API_TOKEN are not set" in error.message
    assert "Set NOTION_TOKEN or NOTION_API_TOKEN" in (error.suggested_fix or "")


def test_outside_the_catalog_the_override_is_named() -> None:
    error = error_of("some-internal-tool")
    assert isinstance(error, NotConnected)
    assert "not in the catalog" in error.message
    assert error.suggested_fix == "Set VENDO_TOKEN_SOME_INTERNAL_TOOL to the credential."


@pytest.mark.parametrize(
    ("typed", "meant"), [("opneai", "openai"), ("slak", "slack"), ("githb", "github")]
)
def test_misspelt_slug_gets_the_nearest_one(typed: str, meant: str) -> None:
    error = error_of(typed)
    assert isinstance(error, NotConnected)
    assert (error.suggested_fix or "").startswith(f"Did you mean {meant!r}? Or set VENDO_TOKEN_")


@pytest.mark.parametrize(
    ("line", "variable"),
    [
        (f"OPENAI_API_KEY={CANARY}", "OPENAI_API_KEY"),
        (f"export OPENAI_API_KEY='{CANARY}'", "OPENAI_API_KEY"),
        (f"\ufeffOPENAI_API_KEY = {CANARY}", "OPENAI_API_KEY"),
        (f"VENDO_TOKEN_OPENAI={CANARY}", "VENDO_TOKEN_OPENAI"),
        (f"A=1\n\nVENDO_API_KEY={CANARY}\n", "VENDO_API_KEY"),
    ],
)
def test_unloaded_dotenv_file_is_hinted_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, variable: str
) -> None:
    (tmp_path / ".env").write_text(line, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    text = str(error_of("openai"))
    assert f".env file in the working directory sets {variable}, but nothing has loaded it" in text
    assert "load_dotenv()" in text
    assert CANARY not in text


@pytest.mark.parametrize("line", ["OPENAI_API_KEY=", "OPENAI_API_KEY=''", "#OPENAI_API_KEY=x", "A"])
def test_a_dotenv_without_the_variable_is_not_hinted_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str
) -> None:
    (tmp_path / ".env").write_text(line)
    monkeypatch.chdir(tmp_path)
    assert ".env" not in str(error_of("openai"))


def test_unreadable_dotenv_is_ignored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").mkdir()
    assert ".env" not in str(error_of("openai"))
    (tmp_path / ".env").rmdir()
    (tmp_path / ".env").symlink_to(tmp_path / ".env")  # a circle
    assert ".env" not in str(error_of("openai"))
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").write_text("OPENAI_API_KEY=x\n" + "#" * 1_000_001)
    assert ".env" not in str(error_of("openai"))


def test_dotenv_that_cannot_be_opened_is_ignored(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("OPENAI_API_KEY=x")
    monkeypatch.chdir(tmp_path)

    def denied(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", denied)
    assert ".env" not in str(error_of("openai"))


def test_tokens_gives_a_token_or_none_per_slug(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert vendo.tokens(["openai", "slack"]) == {"openai": "sk-1", "slack": None}


def test_tokens_keeps_the_given_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    found = vendo.tokens(slug for slug in ("OpenAI", "openai", "openai", "x"))
    assert found == {"OpenAI": "sk-1", "openai": "sk-1", "x": None}


def test_tokens_of_nothing_is_empty() -> None:
    assert vendo.tokens([]) == {}


@pytest.mark.parametrize("slugs", ["openai", None, 5])
def test_tokens_with_one_string_is_an_error(slugs: Any) -> None:
    with pytest.raises(ValidationError, match="takes a list of slugs") as caught:
        vendo.tokens(slugs)
    assert "Write tokens([" in (caught.value.suggested_fix or "")


@pytest.mark.parametrize("key", [None, "", "  ", "byok", " byok\n"])
def test_without_a_key_or_with_the_placeholder_it_is_oss_mode(
    monkeypatch: pytest.MonkeyPatch, key: str | None
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    assert not Vendo(key).is_vendo_mode()
    assert Vendo(key).token("openai") == "sk-1"
    if key is not None:
        monkeypatch.setenv("VENDO_API_KEY", key)
    assert not vendo.is_vendo_mode()
    assert vendo.token("openai") == "sk-1"


def test_vendo_only_features_raise_at_the_call() -> None:
    calls: list[Callable[[], object]] = [
        vendo.billing.balance,
        vendo.billing.spend_caps,
        vendo.billing.usage,
        vendo.events.subscribe,
        vendo.events.watch,
        lambda: vendo.connect_url("gmail"),
        lambda: vendo.for_user("a.b.c"),
        lambda: vendo.for_request({"X-Vendo-User-JWT": "a.b.c"}),
        lambda: vendo.data.execute("GMAIL_FETCH_EMAILS"),
    ]
    for call in calls:
        with pytest.raises(vendo.VendoOnlyFeature) as caught:
            call()
        assert caught.value.code == "vendo_only_feature"
        assert "VENDO_API_KEY" in (caught.value.suggested_fix or "")


def test_invalidate_checks_the_slug_only() -> None:
    vendo.invalidate("openai")
    with pytest.raises(ValidationError):
        vendo.invalidate("open ai")


def test_connections_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-1")
    monkeypatch.setenv("VENDO_TOKEN_SLACK", "xoxb-1")
    monkeypatch.setenv("VENDO_TOKEN_MINE", "not in the catalog")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "a\nb")

    rows = vendo.connections.list()

    assert [(row.slug, row.status) for row in rows] == [
        ("openai", "connected"),
        ("slack", "connected"),
        ("stripe", "error"),
    ]
    assert "STRIPE_SECRET_KEY" in (rows[2].error_message or "")
    assert vendo.connections.connected_slugs() == ["openai", "slack"]
    assert vendo.connections.get("gmail") is None


def test_env_vars_makes_no_request() -> None:
    assert vendo.integrations.env_vars("slack") == ["SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET"]
    assert vendo.integrations.env_vars("nosuch") == []
