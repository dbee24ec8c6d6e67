"""Options are validated under the framework's own names, and secrets are masked when read."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

import vendo
from vendo import web

CANARY = "".join(reversed("yranac"))

OPTIONS = web.Options(
    {
        "X_API_KEY": web.API_KEY,
        "X_BASE_URL": web.BASE_URL,
        "X_TIMEOUT": web.TIMEOUT,
        "X_REQUIRED": web.SLUGS,
        "X_WEBHOOK_SECRETS": web.WEBHOOK_SECRETS,
        "X_ERRORS": web.FLAG,
    },
    label='config["{name}"]',
    line='Write config["{name}"] = {value}.',
    prefix="X_",
)


def read(name: str, value: object) -> Any:
    return OPTIONS.read(name, {name: value}.get)


@pytest.mark.parametrize(
    ("name", "default"), [("X_API_KEY", None), ("X_REQUIRED", ()), ("X_ERRORS", False)]
)
def test_an_option_that_is_not_set_has_its_default(name: str, default: object) -> None:
    assert read(name, None) == default
    assert OPTIONS.read(name, lambda _: None) == default


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X_API_KEY", "key"),
        ("X_BASE_URL", ""),
        ("X_TIMEOUT", 0.5),
        ("X_TIMEOUT", 86_400),
        ("X_REQUIRED", ["openai"]),
        ("X_REQUIRED", {"openai"}),
        ("X_REQUIRED", {"openai": 1}.keys()),
        ("X_WEBHOOK_SECRETS", "one"),
        ("X_WEBHOOK_SECRETS", ("one", "two")),
        ("X_WEBHOOK_SECRETS", ()),
        ("X_ERRORS", True),
    ],
)
def test_a_valid_value_is_returned(name: str, value: object) -> None:
    assert read(name, value) == value


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("X_API_KEY", CANARY.encode(), "a string"),
        ("X_API_KEY", [CANARY], "a string"),
        ("X_API_KEY", {CANARY: 1}, "a string"),
        ("X_TIMEOUT", 0, "greater than 0 and at most 86400 seconds"),
        ("X_TIMEOUT", 86_401, "greater than 0 and at most 86400 seconds"),
        ("X_TIMEOUT", float("nan"), "greater than 0 and at most 86400 seconds"),
        ("X_TIMEOUT", True, "greater than 0 and at most 86400 seconds"),
        ("X_REQUIRED", "openai", "a list of slugs"),
        ("X_REQUIRED", {"openai": 1}, "a list of slugs"),
        ("X_REQUIRED", [" "], "a list of slugs"),
        ("X_WEBHOOK_SECRETS", [CANARY, ""], "a string or a list of strings, and not blank"),
        ("X_WEBHOOK_SECRETS", [CANARY, 5], "a string or a list of strings, and not blank"),
        ("X_ERRORS", 1, "True or False"),
    ],
)
def test_an_invalid_value_is_an_error_with_a_line_to_write(
    name: str, value: object, kind: str
) -> None:
    with pytest.raises(vendo.ValidationError) as caught:
        read(name, value)

    assert caught.value.message == f'config["{name}"] must be {kind}.'
    assert str(caught.value.suggested_fix).startswith(f'Write config["{name}"] = ')
    (problem,) = OPTIONS.problems([name], lambda _: value)
    assert (problem.text, problem.fix) == (caught.value.message, caught.value.suggested_fix)
    shown = [
        repr(frame.f_locals)
        for frame, _ in traceback.walk_tb(caught.value.__traceback__)
        if frame.f_globals["__name__"] != __name__
    ]
    assert shown
    assert CANARY not in "".join(shown)


def test_an_unknown_name_gets_the_nearest_one_as_its_fix() -> None:
    names = ["X_TIMEOUTS", "api_key", "ZZZ", 5]
    problems = list(OPTIONS.problems(names, lambda _: None))

    assert [problem.text for problem in problems[:2]] == [
        'Unknown option config["X_TIMEOUTS"].',
        'Unknown option config["api_key"].',
    ]
    assert [problem.fix for problem in problems[:2]] == [
        "Did you mean X_TIMEOUT?",
        "Did you mean X_API_KEY?",
    ]
    assert problems[2].fix.endswith("X_WEBHOOK_SECRETS or X_ERRORS.")
    assert all(problem.is_unknown_name for problem in problems)


def test_a_secret_is_masked_when_it_is_read() -> None:
    for value in (
        read("X_API_KEY", CANARY),
        read("X_BASE_URL", f"https://user:{CANARY}@example.com"),
        read("X_WEBHOOK_SECRETS", CANARY),
        read("X_WEBHOOK_SECRETS", [CANARY, CANARY]),
    ):
        assert CANARY not in repr(value)
    assert read("X_API_KEY", CANARY).reveal() == CANARY
    assert read("X_API_KEY", web.Secret(CANARY)).reveal() == CANARY
