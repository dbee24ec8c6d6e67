"""Fields of pydantic-settings take their values from vendo, where the class has it as a source."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import pydantic
import pytest
from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings
from typing_extensions import TypeAliasType

import vendo
from support.imports import imported_after
from vendo.testing import LocalVendo
from vendo_starlette import FromVendo, vendo_settings_source

if TYPE_CHECKING:
    from collections.abc import Iterator


class VendoSettings(BaseSettings):
    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], *_: Any, **sources: Any
    ) -> tuple[Any, ...]:
        return (*sources.values(), vendo_settings_source(settings_cls))


class Settings(VendoSettings):
    debug: bool = False
    openai: Annotated[SecretStr, FromVendo("openai")]
    slack: Annotated[SecretStr | None, FromVendo("slack")] = None
    github: Annotated[SecretStr, FromVendo("github")] | None = None


def made(cls: type[BaseSettings] = Settings, **arguments: Any) -> Any:
    return cls(**arguments)


def secret(value: Any) -> str:
    assert isinstance(value, SecretStr)
    return value.get_secret_value()


@pytest.fixture(autouse=True)
def _no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI", "OPENAI_API_KEY", "SLACK_BOT_TOKEN", "GITHUB_TOKEN", "VENDO_API_KEY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalVendo]:
    """Vendo mode, with openai and github connected."""
    with LocalVendo(connections=["openai", "github"]) as server:
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server


def test_fields_have_the_credential_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-fake")
    monkeypatch.setenv("GITHUB_TOKEN", "ghp-fake")
    settings = made()
    assert (secret(settings.openai), settings.slack, secret(settings.github)) == (
        "sk-fake",
        None,
        "ghp-fake",
    )
    assert "fake" not in repr(settings) + str(settings.model_dump())


def test_fields_without_a_default_take_one_request(server: LocalVendo) -> None:
    class More(Settings):
        notion: Annotated[SecretStr, FromVendo("notion")]

    server.connect("notion")
    settings = made(More)
    for name in ("openai", "notion", "github"):
        assert secret(getattr(settings, name)) == server.token(name)
    assert settings.slack is None
    assert server.count("credentials") == 3  # one for openai and notion


def test_arguments_and_variables_win_and_nothing_is_fetched_for_them(
    server: LocalVendo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("OPENAI", "sk-variable")
    env_file = tmp_path / ".env"
    env_file.write_text("GITHUB=ghp-file\n", encoding="utf-8")
    assert secret(made(slack="xoxb-argument", _env_file=env_file).openai) == "sk-variable"
    settings = made(openai="sk-argument", slack="xoxb-argument", _env_file=env_file)
    assert (secret(settings.openai), secret(settings.github)) == ("sk-argument", "ghp-file")
    assert server.count("credentials") == 0


def test_missing_credential_is_pydantics_missing_field() -> None:
    with pytest.raises(pydantic.ValidationError) as caught:
        made()
    assert [(error["type"], error["loc"]) for error in caught.value.errors()] == [
        ("missing", ("openai",))
    ]


def test_validation_error_shows_no_credential(server: LocalVendo) -> None:
    class Wrong(Settings):
        needed: int

    with pytest.raises(pydantic.ValidationError) as caught:
        made(Wrong)
    assert "needed" in str(caught.value)
    shown = str(caught.value) + repr(caught.value.errors())
    assert server.token("openai") not in shown
    assert "SecretStr" in shown


def test_field_that_is_not_a_secret_is_an_error_without_its_value(server: LocalVendo) -> None:
    class Plain(VendoSettings):
        openai: Annotated[str, FromVendo("openai")]

    with pytest.raises(pydantic.ValidationError, match="valid string") as caught:
        made(Plain)
    assert server.token("openai") not in str(caught.value)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ({"status": 401, "code": "app_revoked"}, vendo.AuthError),
        ({"status": 429, "code": "upstream_rate_limited"}, vendo.RateLimited),
        ({"html": True}, vendo.UpstreamError),
    ],
)
def test_other_errors_are_raised_as_they_are(
    server: LocalVendo, fault: dict[str, Any], error: type[vendo.VendoError]
) -> None:
    server.fail("credentials", times=None, **fault)
    with pytest.raises(error):
        made()


def test_connection_that_must_be_authorized_again_is_not_missing(server: LocalVendo) -> None:
    server.set_status("github", "needs_reauth")
    with pytest.raises(vendo.NeedsReauth, match="github"):
        made()


@pytest.mark.parametrize(
    "alias",
    ["OPENAI_KEY", AliasChoices("OPENAI_KEY", "OTHER_KEY"), AliasChoices("A", "OPENAI_KEY")],
)
def test_field_with_an_alias(
    server: LocalVendo, alias: str | AliasChoices, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Aliased(VendoSettings):
        openai: Annotated[SecretStr, FromVendo("openai"), Field(validation_alias=alias)]

    assert secret(made(Aliased).openai) == server.token("openai")
    monkeypatch.setenv("OPENAI_KEY", "sk-variable")
    server.clear_requests()
    assert secret(made(Aliased).openai) == "sk-variable"
    assert server.count("credentials") == 0


def test_malformed_slug_is_an_error_where_it_is_written() -> None:
    with pytest.raises(vendo.ValidationError, match="open ai"):
        FromVendo("open ai")
    assert FromVendo(cast("Any", "OpenAI")) == FromVendo("openai")


def test_settings_without_a_slug_use_no_client(server: LocalVendo) -> None:
    class Unmarked(VendoSettings):
        debug: bool = False

    assert made(Unmarked).debug is False
    assert server.requests == []


def test_the_package_and_the_mark_import_no_pydantic() -> None:
    line = "from vendo_starlette import *\nFromVendo('openai')"
    assert not {"pydantic", "pydantic_settings"} & imported_after("", line)


def test_without_pydantic_settings_only_the_source_is_an_error(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_settings", None)
    assert FromVendo("openai").slug == "openai"
    with pytest.raises(ImportError, match="pydantic_settings"):
        vendo_settings_source(Settings)


_GUARDED = """
from interop.test_pydantic_settings import Settings, made, pytest, secret

def test_a_default_needs_no_test_token(vendo_token):
    vendo_token("openai", "sk-test")
    settings = made()
    assert (secret(settings.openai), settings.github) == ("sk-test", None)

def test_a_field_without_a_default_needs_one():
    with pytest.raises(BaseException, match="vendo_token.*openai"):
        made()
"""


def test_under_the_guard_a_field_with_a_default_has_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp-of-the-environment")
    pytester.makeini("[pytest]\nvendo_guard = true")
    pytester.makepyfile(_GUARDED)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    plugins = ["-p", "no:asyncio", "-p", "no:cacheprovider"]
    pytester.runpytest_subprocess(*plugins).assert_outcomes(passed=2)


def test_mark_in_an_alias_of_a_type_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "canary")
    key: Any = TypeAliasType("key", Annotated[SecretStr, FromVendo("openai")])
    namespace = {"__annotations__": {"one": key, "two": key | None}, "two": None}
    settings = type("Named", (VendoSettings,), namespace | {"__module__": __name__})()

    assert [secret(settings.one), secret(settings.two)] == ["canary", "canary"]
