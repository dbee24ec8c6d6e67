"""Libraries that read annotations at run time, pydantic and FastAPI, can read the public API's."""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
import pydoc
import typing
from collections.abc import Callable
from typing import Any

import pydantic
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

import vendo
from vendo import aio
from vendo.testing import fake_connection


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
        vendo.EventStreamMessage,
        vendo.VendoIdentity,
        vendo.WebhookEvent,
    ],
)
def test_pydantic_has_a_schema_for_each_model(cls: type) -> None:
    schema: dict[str, Any] = pydantic.TypeAdapter(cls).json_schema()
    assert schema["title"] == cls.__name__
    assert schema["properties"]


CONNECTION = fake_connection(
    "gmail",
    metadata={"scopes": ["read"]},
    context={"team": 5},
    env_bootstrap=vendo.EnvBootstrap((vendo.EnvVar("GMAIL_ACCESS_TOKEN", "api_key"),), "process"),
)
VALUES = [
    CONNECTION,
    vendo.Balance(5_000_000, "USD"),
    vendo.EnvBootstrap((vendo.EnvVar("A", "api_key"),), "process"),
    vendo.EnvVar("A", "api_key"),
    vendo.Integration("gmail", supported_profiles=("work",)),
    vendo.SpendCaps(1, None, 2, 3),
    vendo.EventStreamMessage("connection.changed", {"slug": "gmail"}, "1"),
    vendo.VendoIdentity("1", "a@b.example", "A", "t", "owner"),
    vendo.WebhookEvent("1", "connection.changed", None, {"slug": "gmail"}),
]


def served_by(kind: Any, value: object) -> tuple[Any, dict[str, Any]]:
    """Return what an application sends for a value, and its OpenAPI document."""
    app = FastAPI()

    @app.get("/", response_model=kind)
    def endpoint() -> Any:
        return value

    with TestClient(app) as browser:
        return browser.get("/").json(), browser.get("/openapi.json").json()


@pytest.mark.parametrize("value", VALUES)
def test_response_equals_the_value(value: Any) -> None:
    data = json.loads(json.dumps(dataclasses.asdict(value)))
    cls: Any = type(value)
    kinds: list[tuple[Any, object, object]] = [
        (cls, value, data),
        (list[cls], [value, value], [data, data]),
        (dict[str, cls], {"one": value}, {"one": data}),
        (cls | None, None, None),
        (cls | None, value, data),
        (tuple[cls, int], (value, 5), [data, 5]),
    ]
    for kind, sent, received in kinds:
        body, document = served_by(kind, sent)
        assert body == received
        schema = document["components"]["schemas"][cls.__name__]
        assert list(schema["properties"]) == [field.name for field in dataclasses.fields(value)]


@pytest.mark.parametrize("value", VALUES)
def test_request_body_becomes_the_value(value: Any) -> None:
    app = FastAPI()
    got = []

    def endpoint(body: Any) -> None:
        got.append(body)

    endpoint.__annotations__["body"] = type(value)
    app.post("/")(endpoint)
    with TestClient(app) as browser:
        assert browser.post("/", json=dataclasses.asdict(value)).status_code == 200
        assert browser.post("/", json={"unknown": 1}).status_code == 422
    assert got == [value]


@pytest.mark.parametrize("value", VALUES)
def test_models_have_our_dataclasses_as_fields(value: Any) -> None:
    cls: Any = type(value)
    fields: dict[str, Any] = {"value": (cls, ...), "maybe": (cls | None, None)}
    model: Any = pydantic.create_model("Model", **fields)
    made = model(value=value)
    assert made.value == value
    assert model.model_validate_json(made.model_dump_json()) == made
    assert made.model_dump()["value"] == dataclasses.asdict(value)


FUNCTIONS = [
    vendo.token,
    vendo.Vendo.token,
    vendo.connections.get,
    vendo.billing.usage,
    aio.token,
    aio.connections.get,
]


@pytest.mark.parametrize("function", FUNCTIONS)
def test_function_can_be_inspected_and_wrapped(function: Callable[..., Any]) -> None:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    assert inspect.signature(wrapper) == inspect.signature(function)
    assert typing.get_type_hints(wrapper) == typing.get_type_hints(function)
    assert inspect.getdoc(wrapper) == inspect.getdoc(function)
    assert function.__name__ in pydoc.plain(pydoc.render_doc(function))


@pytest.mark.parametrize(
    "cls", [vendo.Vendo, vendo.AsyncVendo, vendo.Connection, vendo.WebhooksAPI]
)
def test_class_has_a_signature_and_a_help_page(cls: type) -> None:
    assert inspect.signature(cls).parameters
    text = pydoc.plain(pydoc.render_doc(cls))
    assert (inspect.getdoc(cls) or "").splitlines()[0] in text
