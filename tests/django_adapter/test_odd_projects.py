"""No check of ours raises, whatever the project is like: a migration runs all the same."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.middleware.cache import UpdateCacheMiddleware
from django.test import override_settings
from django.utils.functional import SimpleLazyObject

from vendo_django import MaskedStr, client
from vendo_django.checks import check_deployment, check_project
from vendo_django.middleware import VendoMiddleware

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo


def found() -> set[str]:
    """Return the ids of all messages, after checking that they contain no secret."""
    messages = [*check_project(), *check_deployment()]
    assert "canary" not in repr([(message.msg, message.hint) for message in messages])
    return {str(message.id) for message in messages}


def _raise() -> None:
    raise RuntimeError("canary")


LAZY: Any = SimpleLazyObject(_raise)
CIRCLE: dict[str, Any] = {"token": MaskedStr("canary", slug="gmail", expires=True)}
CIRCLE["itself"] = [CIRCLE]
IDENTITY = "vendo_django.middleware.VendoIdentityMiddleware"

SETTINGS: dict[str, list[Any]] = {
    "SECRET_KEY": ["", None, LAZY],
    "ROOT_URLCONF": [
        *(None, "", 5, LAZY),
        *("no.such.module", "django_adapter", "django_adapter.broken_urls", [5, LAZY]),
    ],
    "MIDDLEWARE": [None, 5, LAZY, IDENTITY, {IDENTITY}, [IDENTITY, 5, None, LAZY, "no.such.one"]],
    "AUTHENTICATION_BACKENDS": [
        *(None, 5, LAZY, [], [5, LAZY]),
        *(["no.such.Backend"], ["django_adapter.broken_urls.Backend"], ["builtins.map"]),
    ],
    "CACHES": [
        *({}, {"default": {}}, {"default": {"BACKEND": "no.such.Cache"}}),
        {"other": {"BACKEND": "django.core.cache.backends.dummy.DummyCache"}},
    ],
    "VENDO": [5, LAZY, {5: LAZY}],
    "EMAIL_BACKEND": [5, LAZY, "no.such.Backend"],
    "MAILERS": [5, LAZY, {"default": LAZY}, {"default": {"BACKEND": LAZY}}],
    "OTHER": [LAZY, [LAZY, {"a": LAZY}]],
}


@pytest.fixture(autouse=True)
def no_backend(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_BASE_URL", "http://127.0.0.1:1")


@pytest.mark.filterwarnings("ignore:The EMAIL_BACKEND setting is deprecated")
@pytest.mark.parametrize(
    ("name", "number"), [(name, i) for name, values in SETTINGS.items() for i in range(len(values))]
)
def test_no_check_raises_for_an_odd_setting(name: str, number: int) -> None:
    with override_settings(**{name: SETTINGS[name][number]}):
        found()


OPTIONS = [
    *("API_KEY", "BASE_URL", "REQUIRED", "TEMPLATE_TOKENS", "WEBHOOK_SECRETS", "ERRORS"),
    *("TIMEOUT", "MAY_CONNECT", "CONNECT_PERMISSION", "REDIS_URL", "TRUST_WSGI_HEADERS"),
]


@pytest.mark.parametrize("name", OPTIONS)
def test_no_check_raises_for_an_odd_option(name: str) -> None:
    broken = "django_adapter.broken_urls.rule"
    for value in (LAZY, [LAZY], 5, float("nan"), b"\xff", {}, object(), "\0", "\ud800", broken):
        with override_settings(VENDO={name: value}):
            found()
    with override_settings(VENDO={name: LAZY}):
        assert "vendo.E002" in found()


@pytest.mark.parametrize(
    "name",
    [
        *("VENDO_API_KEY", "VENDO_API_KEY_FILE", "VENDO_AUTH", "VENDO_BASE_URL", "VENDO_REDIS_URL"),
        *("VENDO_CREDENTIALS_URL", "VENDO_TRUST_WSGI_HEADERS", "VENDO_WEBHOOK_SECRET"),
        *("OPENAI_API_KEY", "VENDO_TOKEN_OPENAI", "VENDO_TOKEN_OPENAI_FILE", "VENDO_DJANGO_BUILD"),
    ],
)
def test_no_check_raises_for_an_odd_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    setting = {"REQUIRED": ["openai"], "TEMPLATE_TOKENS": ["openai"], "CONNECT_PERMISSION": "a.b"}
    for value in ("ca\1nary", "/no/such/file", "canary://[", " "):
        monkeypatch.setenv(name, value)
        for options in ({}, setting):
            with override_settings(VENDO=options):
                found()


def test_a_malformed_vendo_auth_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_AUTH", "1\1")
    assert "vendo.E003" in found()


def test_a_setting_that_holds_itself_is_searched() -> None:
    with override_settings(OTHER=CIRCLE):
        assert "vendo.W001" in found()


def test_a_lazy_setting_stays_lazy() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("value")
        return "value"

    with override_settings(OTHER=[SimpleLazyObject(make)]):
        found()
    assert made == []


class OwnAuthentication(AuthenticationMiddleware):
    pass


class OwnVendo(VendoMiddleware):
    pass


class OwnCache(UpdateCacheMiddleware):
    pass


def test_an_option_may_be_lazy(server: LocalVendo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_CREDENTIALS_URL", server.credentials_url)
    setting = {
        "API_KEY": SimpleLazyObject(lambda: server.api_key),
        "BASE_URL": SimpleLazyObject(lambda: server.url),
        "REQUIRED": SimpleLazyObject(lambda: ["gmail"]),
    }
    with override_settings(VENDO=setting):
        assert client().token("gmail") == server.token("gmail")
        assert not {message for message in found() if message.startswith("vendo.E")}


def test_a_subclass_of_a_middleware_is_one() -> None:
    own = "django_adapter.test_odd_projects"
    middleware = [f"{own}.OwnAuthentication", f"{own}.OwnVendo", IDENTITY]
    with override_settings(MIDDLEWARE=middleware):
        assert "vendo.E006" not in found()
    with override_settings(MIDDLEWARE=middleware, VENDO={"CONNECT_PERMISSION": "a.b"}):
        assert "vendo.E009" not in found()
    with override_settings(MIDDLEWARE=[middleware[1], f"{own}.OwnCache"]):
        assert "vendo.E010" in found()


_APPS = """
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "vendo_django"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "site.sqlite3"}}
"""

PROJECTS = {
    "placeholder": _APPS
    + """
from vendo_django import token
SECRET_KEY = token("site-secret")
ROOT_URLCONF = "urls"
""",
    "empty": _APPS + "SECRET_KEY = ''\nROOT_URLCONF = 'urls'\n",
    "bare": _APPS,
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "urls.py").write_text(
        "from django.urls import include, path\n"
        'urlpatterns = [path("api/vendo/", include("vendo_django.urls"))]\n'
    )
    for name, text in PROJECTS.items():
        (tmp_path / f"{name}.py").write_text(text)
    return tmp_path


COMMANDS = [
    ("placeholder", "check --deploy"),
    ("placeholder", "makemigrations --check"),
    ("placeholder", "migrate --verbosity 0"),
    ("placeholder", "vendo doctor --timeout 1"),
    ("empty", "migrate --verbosity 0"),
    ("bare", "migrate --verbosity 0"),
]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_a_command_runs_without_a_secret_key_or_urls(
    name: str, command: str, project: Path
) -> None:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith("VENDO_")},
        "VENDO_DJANGO_BUILD": "1",
        "DJANGO_SETTINGS_MODULE": name,
        "PYTHONPATH": str(project),
    }
    done = subprocess.run(
        [sys.executable, "-m", "django", *command.split()],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_a_placeholder_of_a_build_is_not_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_DJANGO_BUILD", "1")
    placeholder = MaskedStr("", slug="wh")
    for value in (placeholder, [placeholder], ("", placeholder)):
        with override_settings(VENDO={"WEBHOOK_SECRETS": value}):
            assert ("vendo.E002" in found()) is (value == ("", placeholder))
