"""`mapping=`: valid and invalid mappings."""

from __future__ import annotations

from typing import Any

import pytest

from vendo import Connection, EnvBootstrap, EnvVar, ValidationError
from vendo.reconciler._mapping import Source, multiline_of, source_at, sources_of


def test_source_is_a_slug_or_a_field_of_its_connection() -> None:
    assert sources_of({
        "A": "openai",
        "B": "OpenAI",
        "C": "openai.access_token",
        "D": "openai.base_url",
        "E": "supabase.context.ref",
    }) == {
        "A": Source("openai"),
        "B": Source("openai"),
        "C": Source("openai"),
        "D": Source("openai", ("base_url",)),
        "E": Source("supabase", ("context", "ref")),
    }  # fmt: skip


def test_mapping_accepts_env_bootstrap_of_a_connection() -> None:
    bootstrap = EnvBootstrap((EnvVar("A", "access_token"), EnvVar("B", "context.ref")), "none")
    expected = {"A": Source("supabase"), "B": Source("supabase", ("context", "ref"))}
    assert sources_of({"supabase": bootstrap}) == expected
    wire = {"vars": [{"name": v.name, "value_from": v.value_from} for v in bootstrap.vars]}
    assert sources_of({"supabase": wire}) == expected
    assert sources_of({"supabase": bootstrap, "A": "supabase"}) == expected


def test_str_of_a_source_is_its_notation() -> None:
    for text in ("openai", "openai.base_url", "supabase.context.ref"):
        (source,) = sources_of({"A": text}).values()
        assert str(source) == text


def test_every_source_field_is_a_field_of_connection() -> None:
    for name in ("api_key", "base_url", "display_name", "external_id", "id"):
        assert source_at("x", name) == Source("x", (name,))
        assert hasattr(Connection, name)
    for name in ("context", "credential", "metadata"):
        assert source_at("x", f"{name}.a.b") == Source("x", (name, "a", "b"))
        assert hasattr(Connection, name)
        assert source_at("x", name) is None
        assert source_at("x", f"{name}.") is None


@pytest.mark.parametrize(
    ("mapping", "problem"),
    [
        (None, "or a function that returns one, not a value of type NoneType"),
        ([("A", "openai")], "not a value of type list"),
        ({"A-B": "openai"}, "name of a variable"),
        ({"": "openai"}, "name of a variable"),
        ({1: "openai"}, "name of a variable"),
        ({"A": ""}, "A slug is"),
        ({"A": "no slug"}, "A slug is"),
        ({"A": "openai.secret_sauce"}, "names 'secret_sauce' of openai"),
        ({"A": "openai."}, "names '' of openai"),
        ({"A": "openai.context"}, "names 'context' of openai"),
        ({"openai": None}, "has a value for openai that"),
        ({"openai": 3}, "has a value for openai that"),
        ({"openai": {}}, "has a value for openai that"),
        ({"openai": {"vars": "x"}}, "has a value for openai that"),
        ({"openai": {"vars": [3]}}, "has a value for openai that"),
        ({"openai": {"vars": [{"name": "A"}]}}, "has a value for openai that"),
        ({"openai": {"vars": [{"name": "A", "value_from": 3}]}}, "has a value for openai that"),
        ({"NO_SLUG!": {"vars": []}}, "A slug is"),
    ],
)
def test_invalid_mapping_is_an_error_with_a_fix(mapping: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        sources_of(mapping)
    assert caught.value.suggested_fix or "slug" in caught.value.message


@pytest.mark.parametrize("names", [["KEY"], ("KEY",), {"KEY"}, frozenset(("KEY",)), {"KEY": 1}])
def test_multiline_is_a_collection_of_variables(names: Any) -> None:
    assert multiline_of(names, sources_of({"KEY": "openai", "B": "gmail"})) == {"KEY"}
    assert multiline_of((), {}) == frozenset()
    assert multiline_of(names, None) == {"KEY"}  # a function returns the names


@pytest.mark.parametrize(
    ("names", "problem"),
    [
        ("KEY", "a collection of variables, not a value of type str"),
        (b"KEY", "not a value of type bytes"),
        (None, "not a value of type NoneType"),
        (True, "not a value of type bool"),
        (iter(["KEY"]), "not a value of type list_iterator"),
        (["OTHER"], "names OTHER, which is not a variable of mapping="),
        (["key"], "names key, which"),
        ([3], "name of a variable"),
        ([["KEY"]], "name of a variable"),
    ],
)
def test_invalid_multiline_is_an_error_with_a_fix(names: Any, problem: str) -> None:
    with pytest.raises(ValidationError, match=problem) as caught:
        multiline_of(names, sources_of({"KEY": "openai"}))
    assert caught.value.suggested_fix
