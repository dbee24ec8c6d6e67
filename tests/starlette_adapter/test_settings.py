"""Settings are values that print without secrets and are validated immediately."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from typing import Any

import pytest
from starlette.middleware import Middleware

from vendo import ValidationError
from vendo_starlette import VendoMiddleware, VendoSettings

CANARY = "vendo_sk_" + "c" * 32


def test_settings_and_middleware_show_no_secret() -> None:
    settings = VendoSettings(api_key=CANARY, webhook_secrets=["whsec_canary"], required=["openai"])

    for shown in (repr(settings), str(Middleware(VendoMiddleware, settings=settings))):
        assert "required=('openai',)" in shown
        assert CANARY not in shown
        assert "whsec" not in shown


def test_settings_cannot_be_pickled() -> None:
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(ValidationError, match="pickled"):
            pickle.dumps(VendoSettings(api_key=CANARY), protocol)


def test_copying_settings_returns_the_same_object() -> None:
    settings = VendoSettings(api_key=CANARY)

    assert copy.copy(settings) is copy.deepcopy(settings) is settings
    assert dataclasses.replace(settings, timeout=5.0).api_key == CANARY


def test_settings_are_immutable_values() -> None:
    settings = VendoSettings(required=["OpenAI"], webhook_secrets=["one", "two"])

    assert settings == VendoSettings(required=("openai",), webhook_secrets=("one", "two"))
    assert len({settings, VendoSettings(required=("openai",), webhook_secrets=("one", "two"))}) == 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.api_key = CANARY  # type: ignore[misc]  # tested here


@pytest.mark.parametrize("required", ["openai", ["no slug!"], [None], 5, b"openai", {"openai": 1}])
def test_required_is_a_list_of_slugs(required: Any) -> None:
    with pytest.raises(ValidationError) as caught:
        VendoSettings(required=required)
    if required == "openai":
        assert caught.value.suggested_fix == 'Write VendoSettings(required=["openai"]).'


@pytest.mark.parametrize("secrets", [5, b"whsec_canary", [5], ["whsec_canary", None]])
def test_webhook_secrets_must_be_strings(secrets: Any) -> None:
    with pytest.raises(ValidationError, match="webhook_secrets=") as caught:
        VendoSettings(webhook_secrets=secrets)
    assert "canary" not in str(caught.value)


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(TypeError, match="api_kee"):
        VendoSettings(api_kee=CANARY)  # type: ignore[call-arg]  # misspelled
