"""Libraries that read annotations at run time, pydantic and FastAPI, can read the public API's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pydantic
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import vendo
from vendo.testing import MockClient, fake_connection


def test_validate_call_checks_arguments_that_have_our_types() -> None:
    def name_of(connection: vendo.Connection, policy: vendo.RetryPolicy | None = None) -> str:
        return f"{connection.slug} {policy and policy.attempts}"

    checked: Callable[..., str] = pydantic.validate_call(config={"arbitrary_types_allowed": True})(
        name_of
    )
    assert checked(fake_connection("gmail"), vendo.RetryPolicy(2)) == "gmail 2"
    assert checked({"slug": "gmail", "status": "connected"}) == "gmail None"
    with pytest.raises(pydantic.ValidationError, match="slug"):
        checked({"status": "connected"})
    with pytest.raises(pydantic.ValidationError, match="RetryPolicy"):
        checked(fake_connection("gmail"), 3)


def test_validate_call_wraps_our_functions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VENDO_TOKEN_OPENAI", "sk-1")
    token: Callable[..., str] = pydantic.validate_call(vendo.token)
    assert token("openai") == "sk-1"
    with pytest.raises(pydantic.ValidationError, match="Input should be a valid string"):
        token(1)


@pytest.mark.parametrize(
    "cls",
    [
        vendo.Balance,
        vendo.Connection,
        vendo.EnvBootstrap,
        vendo.Integration,
        vendo.SpendCaps,
        vendo.VendoEvent,
        vendo.VendoIdentity,
        vendo.WebhookEvent,
    ],
)
def test_pydantic_has_a_schema_for_each_model(cls: type) -> None:
    schema: dict[str, Any] = pydantic.TypeAdapter(cls).json_schema()
    assert schema["title"] == cls.__name__
    assert schema["properties"]


def test_a_response_model_of_our_types_is_served_and_documented() -> None:
    client = MockClient(connections=[fake_connection("gmail")])
    app = FastAPI()

    @app.get("/connections", response_model=list[vendo.Connection])
    def connections() -> Any:
        return client.connections.list()

    @app.get("/balance")
    def balance() -> vendo.Balance:
        return vendo.Balance(5_000_000, "USD")

    with TestClient(app) as browser:
        [row] = browser.get("/connections").json()
        assert row["slug"] == "gmail"
        assert browser.get("/balance").json()["credits_remaining_micros"] == 5_000_000
    schemas = app.openapi()["components"]["schemas"]
    assert {"Balance", "Connection", "EnvBootstrap", "EnvVar"} <= set(schemas)
