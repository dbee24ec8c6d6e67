"""System checks: what causes each id, and that a valid project has no messages."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Tags
from django.core.management import CommandError, call_command
from django.test import override_settings

from vendo_django import MaskedStr, client, token

if TYPE_CHECKING:
    from pathlib import Path

    from vendo.testing import LocalVendo


def found(*, deploy: bool = False) -> dict[str, CheckMessage]:
    """Return vendo's messages by id, after checking that they contain no secret.

    Without those about the connect view and the cache, which most of these projects leave open.
    """
    messages = all_found(deploy=deploy)
    return {name: messages[name] for name in messages if name not in {"vendo.W006", "vendo.W007"}}


def all_found(*, deploy: bool = False) -> dict[str, CheckMessage]:
    messages = [
        message
        for message in checks.run_checks(tags=[Tags.security], include_deployment_checks=deploy)
        if str(message.id).startswith("vendo.")
    ]
    assert "canary" not in repr([(m.msg, m.hint) for m in messages])
    return {str(message.id): message for message in messages}


@pytest.fixture(autouse=True)
def webhook_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_WEBHOOK_SECRET", "whsec_canary")


def test_a_valid_project_has_no_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found() == {}
    monkeypatch.setenv("OPENAI_API_KEY", "sk-canary")
    monkeypatch.setenv("VENDO_TOKEN_MAPBOX", "pk.canary")
    setting = {
        "API_KEY": None,
        "BASE_URL": "https://vendo.example.com",
        "REQUIRED": ["openai"],
        "TEMPLATE_TOKENS": ("mapbox",),
        "WEBHOOK_SECRETS": "whsec_canary",
        "ERRORS": True,
        "TIMEOUT": 2.5,
        "MAY_CONNECT": lambda request, slug: True,
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "TRUST_WSGI_HEADERS": False,
    }
    with override_settings(VENDO=setting, KEY=token("openai")):
        assert all_found() == {}


def test_a_valid_deployment_has_no_messages(vendo_mode: LocalVendo) -> None:
    setting = {
        "REQUIRED": ["gmail"],
        "CONNECT_PERMISSION": "auth.add_user",
        "REDIS_URL": "redis://127.0.0.1:1/0",
    }
    with override_settings(VENDO=setting):
        assert all_found(deploy=True) == {}


def test_w006_in_oss_mode_is_for_deployments() -> None:
    assert "vendo.W006" not in all_found()
    assert "vendo.W006" in all_found(deploy=True)


def test_w006_a_connect_view_that_is_closed_to_everybody(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = all_found()["vendo.W006"]
    assert "CONNECT_PERMISSION" in str(message.hint)
    assert "MAY_CONNECT" in str(message.hint)

    for setting in ({"MAY_CONNECT": len}, {"CONNECT_PERMISSION": "auth.add_user"}):
        with override_settings(VENDO=setting):
            assert "vendo.W006" not in all_found()
    with override_settings(ROOT_URLCONF="django_adapter.bare_urls"):
        assert "vendo.W006" not in all_found()
    monkeypatch.setenv("VENDO_AUTH", "1")
    assert "vendo.W006" not in all_found()


def test_w007_webhooks_remembered_in_each_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "vendo.W007" not in all_found()
    assert "REDIS_URL" in str(all_found(deploy=True)["vendo.W007"].hint)

    files = {"BACKEND": "django.core.cache.backends.filebased.FileBasedCache"}
    redis = {"BACKEND": "django.core.cache.backends.redis.RedisCache"}
    with override_settings(CACHES={"default": {**files, "LOCATION": str(tmp_path)}}):
        assert "vendo.W007" in all_found(deploy=True)
    with override_settings(CACHES={"default": {**redis, "LOCATION": "redis://127.0.0.1:1"}}):
        assert "vendo.W007" not in all_found(deploy=True)
    with override_settings(ROOT_URLCONF="django_adapter.bare_urls"):
        assert "vendo.W007" not in all_found(deploy=True)
    monkeypatch.setenv("VENDO_REDIS_URL", "redis://127.0.0.1:1/0")
    assert "vendo.W007" not in all_found(deploy=True)


def test_e010_a_cache_that_stores_pages_without_their_vary() -> None:
    cached = "django.middleware.cache.UpdateCacheMiddleware"
    with override_settings(MIDDLEWARE=[cached, *settings.MIDDLEWARE]):
        assert "vendo.E010" not in all_found()
    with override_settings(MIDDLEWARE=[*settings.MIDDLEWARE, cached]):
        assert cached in str(all_found()["vendo.E010"].hint)


def test_w008_errors_without_the_middleware() -> None:
    with override_settings(VENDO={"ERRORS": True}):
        assert "vendo.W008" not in all_found()
    with override_settings(VENDO={"ERRORS": True}, MIDDLEWARE=[]):
        assert "VendoMiddleware" in str(all_found()["vendo.W008"].hint)
    with override_settings(VENDO={"ERRORS": "yes"}, MIDDLEWARE=[]):
        assert list(all_found()) == ["vendo.E002"]


def test_e009_a_permission_without_its_middleware() -> None:
    with override_settings(MIDDLEWARE=[], VENDO={"CONNECT_PERMISSION": "auth.add_user"}):
        assert "AuthenticationMiddleware" in all_found()["vendo.E009"].msg


@pytest.mark.parametrize(
    "setting",
    [
        {"MAY_CONNECT": "no.such.module.rule"},
        {"MAY_CONNECT": "django_adapter.project_urls"},
        {"CONNECT_PERMISSION": "a.b.c"},
        {"CONNECT_PERMISSION": "canary"},
        {"MAY_CONNECT": True},
        {"REDIS_URL": 5},
        {"REDIS_URL": "redis://127.0.0.1/0?canary=1"},
        {"MAY_CONNECT": len, "CONNECT_PERMISSION": "auth.add_user"},
        {"REDIS_URL": "canary://:canary@127.0.0.1"},
        {"REDIS_URL": "redis://:canary@127.0.0.1:port"},
    ],
)
def test_e002_a_value_that_does_not_work(setting: dict[str, Any]) -> None:
    with override_settings(VENDO=setting):
        (message,) = found().values()
        assert message.id == "vendo.E002"
        assert list(setting)[-1] in message.msg


def test_e001_an_unknown_key_and_the_nearest_one() -> None:
    with override_settings(VENDO={"api_key": "canary", "TIMEOUTS": 5, "ZZZ": 1}):
        messages = [m for m in checks.run_checks(tags=[Tags.security]) if m.id == "vendo.E001"]

    assert [message.hint for message in messages[:2]] == [
        "Did you mean API_KEY?",
        "Did you mean TIMEOUT?",
    ]
    assert "WEBHOOK_SECRETS" in str(messages[2].hint)


@pytest.mark.parametrize(
    "setting",
    [
        ["canary"],
        {"API_KEY": b"canary"},
        {"REQUIRED": "canary"},
        {"REQUIRED": [" "]},
        {"REQUIRED": [5]},
        {"TEMPLATE_TOKENS": "canary"},
        {"WEBHOOK_SECRETS": ""},
        {"WEBHOOK_SECRETS": ["canary", ""]},
        {"WEBHOOK_SECRETS": b"canary"},
        {"ERRORS": "canary"},
        {"TIMEOUT": -1},
    ],
)
def test_e002_a_value_of_the_wrong_type(setting: Any) -> None:
    with override_settings(VENDO=setting):
        assert set(found()) == {"vendo.E002"}
        assert set(found(deploy=True)) >= {"vendo.E002"}


@pytest.mark.parametrize("setting", [{"API_KEY": "can ary"}, {"BASE_URL": "http://example.com"}])
def test_e003_a_malformed_key_or_address(setting: Any) -> None:
    with override_settings(VENDO=setting):
        assert set(found()) == {"vendo.E003"}


def test_e003_a_malformed_key_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "canary\nkey")

    assert "VENDO_API_KEY" in found()["vendo.E003"].msg


def test_e003_a_key_file_that_cannot_be_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("VENDO_API_KEY", raising=False)
    monkeypatch.setenv("VENDO_API_KEY_FILE", "/run/secrets/no-such-key")

    assert set(found()) == {"vendo.E003"}
    assert "VENDO_API_KEY_FILE" in found()["vendo.E003"].msg


def test_e004_a_required_slug_without_a_credential() -> None:
    with override_settings(VENDO={"REQUIRED": ["openai"]}):
        message = found()["vendo.E004"]
        assert "OPENAI_API_KEY" in str(message.hint)
        with pytest.raises(CommandError, match=r"vendo\.E004"):
            call_command("check", stderr=io.StringIO())


def test_e004_a_malformed_required_slug() -> None:
    with override_settings(VENDO={"REQUIRED": ["open ai"]}):
        assert set(found()) == {"vendo.E004"}


def test_e004_in_vendo_mode_calls_the_backend_only_with_deploy(vendo_mode: LocalVendo) -> None:
    with override_settings(VENDO={"REQUIRED": ["gmail", "slack"]}):
        vendo_mode.clear_requests()
        assert found() == {}
        assert not vendo_mode.requests
        assert "slack" in found(deploy=True)["vendo.E004"].msg
    vendo_mode.set_status("gmail", "needs_reauth")
    client().invalidate("gmail")
    for slug in ("gmail", "in-house"):
        with override_settings(VENDO={"REQUIRED": [slug]}):
            assert set(found(deploy=True)) == {"vendo.E004"}


def test_e004_is_not_reported_if_the_backend_fails(vendo_mode: LocalVendo) -> None:
    vendo_mode.fail("credentials", status=400, times=None)
    with override_settings(VENDO={"REQUIRED": ["gmail"]}):
        assert set(found(deploy=True)) == {"vendo.W005"}


def test_e005_a_template_token_that_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    for slug in ("openai", "stripe", "gmail"):
        with override_settings(VENDO={"TEMPLATE_TOKENS": [slug]}):
            assert repr(slug) in found()["vendo.E005"].msg
    with override_settings(VENDO={"TEMPLATE_TOKENS": ["mapbox"]}):
        assert found() == {}
        monkeypatch.setenv("VENDO_TOKEN_MAPBOX", "sk.canary")
        assert set(found()) == {"vendo.E005"}


def test_e005_allows_a_public_token_of_a_known_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_TOKEN_STRIPE", "pk_live_canary")
    with override_settings(VENDO={"TEMPLATE_TOKENS": ["stripe"]}):
        assert found() == {}


def test_e005_in_vendo_mode_checks_tokens_of_the_environment(
    vendo_mode: LocalVendo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDO_TOKEN_POSTHOG", "phc_canary")
    monkeypatch.setenv("VENDO_TOKEN_IN_HOUSE", "public-canary")
    with override_settings(VENDO={"TEMPLATE_TOKENS": ["posthog", "in-house"]}):
        assert found() == {}
        monkeypatch.setenv("VENDO_TOKEN_IN_HOUSE", "sk-canary")
        assert "'in-house'" in found()["vendo.E005"].msg
        assert not vendo_mode.requests
        assert "'in-house'" in found(deploy=True)["vendo.E005"].msg
        assert vendo_mode.count("credentials") == 0


def test_e005_checks_tokens_from_vendo_only_with_deploy(vendo_mode: LocalVendo) -> None:
    vendo_mode.connect("posthog", token="phc_canary", lifetime=None)
    vendo_mode.connect("stripe", token="sk_canary", lifetime=None)
    with override_settings(VENDO={"TEMPLATE_TOKENS": ["posthog", "stripe"]}):
        assert found() == {}
        assert not vendo_mode.requests
        assert "'stripe'" in found(deploy=True)["vendo.E005"].msg
    with override_settings(VENDO={"TEMPLATE_TOKENS": ["posthog", "in-house"]}):
        assert found(deploy=True) == {}
        vendo_mode.fail("credentials", status=400, times=None)
        client().invalidate("posthog")
        assert set(found(deploy=True)) == {"vendo.W005"}


def test_e005_is_reported_once(monkeypatch: pytest.MonkeyPatch, vendo_mode: LocalVendo) -> None:
    monkeypatch.setenv("VENDO_TOKEN_STRIPE", "sk_canary")
    vendo_mode.connect("openai", token="sk-canary")
    with override_settings(VENDO={"TEMPLATE_TOKENS": ["stripe", "openai"]}):
        messages = checks.run_checks(tags=[Tags.security], include_deployment_checks=True)

    assert len([message for message in messages if message.id == "vendo.E005"]) == 2


@pytest.mark.parametrize(
    "needed",
    [
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "vendo_django.middleware.VendoMiddleware",
    ],
)
def test_e006_the_identity_middleware_in_the_wrong_order(needed: str) -> None:
    missing = [path for path in settings.MIDDLEWARE if path != needed]
    for middleware in (missing, [*missing, needed]):
        with override_settings(MIDDLEWARE=middleware):
            assert needed in str(found()["vendo.E006"].hint)
    with override_settings(MIDDLEWARE=[]):
        assert found() == {}


def test_e007_the_identity_middleware_without_a_backend() -> None:
    with override_settings(AUTHENTICATION_BACKENDS=["django.contrib.auth.backends.ModelBackend"]):
        assert set(found()) == {"vendo.E007"}
    subclass = "django_adapter.test_identity.KnownPeopleBackend"
    with override_settings(AUTHENTICATION_BACKENDS=[subclass]):
        assert found() == {}


def test_e008_the_backend_rejects_the_key(vendo_mode: LocalVendo) -> None:
    vendo_mode.revoke_key()

    assert found() == {}
    assert set(found(deploy=True)) == {"vendo.E008"}


def test_w001_a_token_that_expires_kept_in_a_setting(vendo_mode: LocalVendo) -> None:
    with override_settings(
        NESTED={"a": [({"b": token("gmail")},)]}, FIXED=token("openai"), ODD=frozenset({"x"})
    ):
        message = found()["vendo.W001"]
    assert "NESTED" in message.msg
    assert "gmail" in str(message.hint)
    assert found() == {}


def test_w001_an_expiring_token_concatenated_with_text() -> None:
    with override_settings(HEADER="Bearer " + MaskedStr("canary", slug="gmail", expires=True)):
        assert set(found()) == {"vendo.W001"}


def test_w002_the_webhook_view_without_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    with override_settings(VENDO={"WEBHOOK_SECRETS": []}):
        assert set(found()) == {"vendo.W002"}
    monkeypatch.delenv("VENDO_WEBHOOK_SECRET")
    assert set(found()) == {"vendo.W002"}
    with override_settings(VENDO={"WEBHOOK_SECRETS": ["whsec_canary"]}):
        assert found() == {}
    with override_settings(ROOT_URLCONF="django_adapter.bare_urls"):
        assert found() == {}


def test_w003_the_identity_view_at_another_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with override_settings(ROOT_URLCONF="django_adapter.moved_urls"):
        assert found() == {}
        monkeypatch.setenv("VENDO_AUTH", "1")
        assert set(found()) == {"vendo.W003"}
    for urls in ("django_adapter.project_urls", "django_adapter.wrapped_urls"):
        with override_settings(ROOT_URLCONF=urls):
            assert found() == {}


def test_w004_placeholders_in_a_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_DJANGO_BUILD", "1")
    with override_settings(VENDO={"REQUIRED": ["openai"]}):
        assert found() == {}
        assert set(found(deploy=True)) == {"vendo.W004"}


def test_w005_the_backend_does_not_respond(vendo_mode: LocalVendo) -> None:
    vendo_mode.fail("api", status=400, times=None)

    assert set(found(deploy=True)) == {"vendo.W005"}


def test_without_a_key_a_deployment_sends_no_request() -> None:
    assert found(deploy=True) == {}
