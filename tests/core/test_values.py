"""The public dataclasses as values: hashes, copies, pickles, JSON."""

from __future__ import annotations

import copy
import dataclasses
import importlib
import json
import pickle
import typing
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

import pytest

import vendo
from support.annotations import public_modules
from vendo.testing import fake_connection

PACKAGES = {"vendo": None, "vendo_flask": "flask", "vendo_starlette": "starlette"}


def public_dataclasses() -> Iterator[type]:
    """Every frozen dataclass that a public module exports."""
    found = []
    for package, needed in PACKAGES.items():
        if needed is None or find_spec(needed):
            for name in public_modules(package):
                module = importlib.import_module(name)
                for export in getattr(module, "__all__", ()):
                    value = getattr(module, export)
                    if isinstance(value, type) and dataclasses.is_dataclass(value):
                        found.append(value)
    yield from dict.fromkeys(found)


CLASSES = list(public_dataclasses())


def is_hashable(hint: Any) -> bool:
    if isinstance(hint, list):  # the parameters of a Callable
        return True
    origin: Any = typing.get_origin(hint) or hint
    return origin.__hash__ is not None and all(is_hashable(part) for part in typing.get_args(hint))


def test_classes_are_found() -> None:
    names = {cls.__name__ for cls in CLASSES}
    assert names >= {
        "Balance",
        "Change",
        "Connection",
        "SeenRequest",
        "EventStreamMessage",
        "WebhookEvent",
    }


@pytest.mark.parametrize("cls", CLASSES)
def test_every_field_in_the_hash_can_be_hashed(cls: Any) -> None:
    hints = typing.get_type_hints(cls)
    fields = [field for field in dataclasses.fields(cls) if field.hash is not False]
    assert fields
    assert [field.name for field in fields if not is_hashable(hints[field.name])] == []


CONNECTION = fake_connection("gmail", metadata={"a": [1, {"b": 2}]})
VALUES = [
    CONNECTION,
    dataclasses.replace(CONNECTION, env_bootstrap=vendo.EnvBootstrap((), "none")),
    vendo.EnvBootstrap((vendo.EnvVar("A", "api_key"),), "process"),
    vendo.Integration("gmail", supported_profiles=("work",)),
    vendo.Balance(5_000_000, "USD"),
    vendo.SpendCaps(1, None, 0, 0),
    vendo.EventStreamMessage("connection.changed", {"slug": "gmail"}, "1"),
    vendo.WebhookEvent("1", "connection.changed", None, {"slug": "gmail"}),
    vendo.VendoIdentity("1", "a@b.example", "A", "t", "owner"),
]


@pytest.mark.parametrize("value", VALUES)
def test_equal_values_have_equal_hashes(value: Any) -> None:
    for twin in (copy.copy(value), copy.deepcopy(value), dataclasses.replace(value)):
        assert twin == value
        assert hash(twin) == hash(value)
        assert {value, twin} == {value}
    first = dataclasses.fields(value)[0].name
    other = dataclasses.replace(value, **{first: "another"})
    assert other != value
    assert {value: 1}.get(other) is None


def test_mappings_count_for_equality() -> None:
    other = dataclasses.replace(CONNECTION, metadata={})
    assert other != CONNECTION
    assert hash(other) == hash(CONNECTION)
    assert len({other, CONNECTION}) == 2


@pytest.mark.parametrize("value", VALUES)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_values_are_pickled(value: Any, protocol: int) -> None:
    twin = pickle.loads(pickle.dumps(value, protocol))
    if isinstance(value, vendo.Connection):
        value = dataclasses.replace(value, metadata={})  # it may contain a secret
    assert twin == value


@pytest.mark.parametrize("value", VALUES)
def test_values_are_written_as_json(value: Any) -> None:
    data = dataclasses.asdict(value)
    assert list(data) == [field.name for field in dataclasses.fields(value)]
    assert json.loads(json.dumps(data)) == json.loads(json.dumps(data, default=None))
    assert type(value)(**{**data, **_rows(value)}) == value


def _rows(value: Any) -> dict[str, Any]:
    """The fields that are dataclasses themselves."""
    names = {"env_bootstrap", "vars"} & {field.name for field in dataclasses.fields(value)}
    return {name: getattr(value, name) for name in names}
