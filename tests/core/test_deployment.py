"""The variables that the platform sets for a deployment."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import vendo
from vendo import deployment

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "vendo_sk_" + "k" * 32

VARIABLES = pytest.mark.parametrize(
    ("read", "variable", "value"),
    [
        (deployment.tenant_id, "VENDO_TENANT_ID", "ten_1"),
        (deployment.deployment_id, "VENDO_DEPLOYMENT_ID", "dep_1"),
        (deployment.deployment_slug, "VENDO_DEPLOYMENT_SLUG", "my-app"),
        (deployment.api_key, "VENDO_API_KEY", KEY),
        (deployment.api_url, "VENDO_API_URL", "https://api.example.com/api"),
    ],
)


@VARIABLES
def test_variable_is_read_at_each_call(
    read: Callable[[], str | None], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    unset = "https://vendo.run" if read is deployment.api_url else None
    assert read() == unset
    monkeypatch.setenv(variable, f" {value}\n")
    assert read() == value
    monkeypatch.setenv(variable, "  ")
    assert read() == unset


@VARIABLES
def test_malformed_variable_is_an_error_without_its_value(
    read: Callable[[], str | None], variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "canary\nsecond line")

    with pytest.raises(vendo.VendoError, match=variable) as caught:
        read()
    assert "canary" not in f"{caught.value} {caught.value!r}"


def test_the_placeholder_is_not_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "byok")

    assert deployment.api_key() is None


def test_key_with_white_space_is_an_error_as_in_a_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDO_API_KEY", "vendo_sk_a b")

    with pytest.raises(vendo.AuthError):
        deployment.api_key()


def test_address_is_the_deployments_and_not_the_backends(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("VENDO_BASE_URL", "https://other.example.com")

    assert deployment.api_url() == "https://vendo.run"


@pytest.mark.parametrize(
    "variable", ["VENDO_API_KEY", "VENDO_TENANT_ID", "VENDO_DEPLOYMENT_SLUG", "VENDO_AUTH"]
)
def test_only_the_deployment_id_marks_a_deployment(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, "1")
    assert not deployment.is_running_on_vendo()

    monkeypatch.delenv(variable)
    monkeypatch.setenv("VENDO_DEPLOYMENT_ID", "dep_1")
    assert deployment.is_running_on_vendo()

    monkeypatch.setenv("VENDO_DEPLOYMENT_ID", "  ")
    assert not deployment.is_running_on_vendo()


def test_api_key_is_plain_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_API_KEY", KEY)
    assert f"{deployment.api_key()}" == KEY
