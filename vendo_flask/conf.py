"""The options of an application, read from `app.config` at each use: changes count at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from flask import Flask

from vendo import ValidationError


def _is_texts(value: object) -> bool:
    return (
        isinstance(value, Sequence | set | frozenset)
        and not isinstance(value, str | bytes)
        and all(isinstance(item, str) and item.strip() for item in value)
    )


_PREFIX = "VENDO_"
_TEXT = (lambda value: isinstance(value, str), "a text")

#: Option -> what its value is: the test, and the words for it.
_KINDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "VENDO_API_KEY": _TEXT,
    "VENDO_BASE_URL": _TEXT,
    "VENDO_CREDENTIALS_URL": _TEXT,
    "VENDO_DATA_PROXY_URL": _TEXT,
    "VENDO_TIMEOUT": (
        lambda value: (
            isinstance(value, int | float)
            and not isinstance(value, bool)
            and 0 < value < float("inf")
        ),
        "a number of seconds greater than 0",
    ),
    "VENDO_REQUIRED": (_is_texts, "a list of texts, none of them blank"),
    "VENDO_WEBHOOK_SECRET": _TEXT,
    "VENDO_WEBHOOK_SECRETS": (
        lambda value: _is_texts([value] if isinstance(value, str) else value),
        "a text or a list of texts, none of them blank",
    ),
}

#: What makes a client, in the order of `client_values`.
_OF_CLIENTS = (
    "VENDO_API_KEY",
    "VENDO_BASE_URL",
    "VENDO_CREDENTIALS_URL",
    "VENDO_DATA_PROXY_URL",
    "VENDO_TIMEOUT",
)


def client_values(app: Flask) -> tuple[Any, ...]:
    """What makes the application's client, as it stands in the configuration, unchecked."""
    get = app.config.get
    return (
        get("VENDO_API_KEY"),
        get("VENDO_BASE_URL"),
        get("VENDO_CREDENTIALS_URL"),
        get("VENDO_DATA_PROXY_URL"),
        get("VENDO_TIMEOUT"),
    )


def check_client_values(app: Flask) -> None:
    """See that a client can be made of them.

    Raises:
        ValidationError: one is of another kind.
    """
    for option in _OF_CLIENTS:
        _get(app, option)


def client_environment(app: Flask) -> dict[str, str]:
    """The configuration as variables, for a process that is told the same by its environment."""
    return {
        option: app.config[option]
        for option in _OF_CLIENTS[:-1]
        if isinstance(app.config.get(option), str) and app.config[option].strip()
    }


def required(app: Flask) -> list[str]:
    """The slugs that the application cannot do without."""
    return list(_get(app, "VENDO_REQUIRED") or ())


def webhook_secrets(app: Flask) -> list[str] | None:
    """The secrets that sign webhooks; None where the environment has it."""
    value = _get(app, "VENDO_WEBHOOK_SECRETS")
    if value is None:
        value = _get(app, "VENDO_WEBHOOK_SECRET") or None
    if value is None:
        return None
    return [value] if isinstance(value, str) else list(value)


def problems(app: Flask) -> Iterator[tuple[str, str | None]]:
    """What is wrong with the configuration: the words, and what to do. No values."""
    for option, value in app.config.items():
        if option in _KINDS:
            if value is not None and not _KINDS[option][0](value):
                yield f"{_named(option)} is to be {_KINDS[option][1]}.", None
        elif str(option).startswith(_PREFIX) and not _is_environments(option, value):
            names = [known.removeprefix(_PREFIX) for known in _KINDS]
            close = get_close_matches(option.removeprefix(_PREFIX), names, n=1)
            hint = f"There are {', '.join(_KINDS)}."
            if close:
                hint = f"Did you mean {_PREFIX}{close[0]}?"
            yield f"{_named(option)} is none of vendo's options.", hint


def check(app: Flask) -> None:
    """See that nothing is wrong with the configuration.

    Raises:
        ValidationError: it is; the text names everything.
    """
    found = [f"{text} {fix}" if fix else text for text, fix in problems(app)]
    if found:
        raise ValidationError("validation_failed", " ".join(found))


def _is_environments(option: str, value: object) -> bool:
    """True for a variable out of an environment that was copied into the configuration whole."""
    environment: Mapping[str, object] = os.environ
    return environment.get(option) == value


def _get(app: Flask, option: str) -> Any:
    value = app.config.get(option)
    if value is not None and not _KINDS[option][0](value):
        del value  # it may be a secret all the same, and reports of errors show frames' variables
        raise ValidationError(
            "validation_failed", f"{_named(option)} is to be {_KINDS[option][1]}."
        )
    return value


def _named(option: str) -> str:
    return f'app.config["{option}"]'
