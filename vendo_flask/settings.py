"""The options of an application, read from `app.config` at each use, so that changes count."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from flask import Flask

from vendo import ValidationError
from vendo.web import (
    API_KEY,
    BASE_URL,
    CREDENTIALS_URL,
    DATA_PROXY_URL,
    FLAG,
    REDIS_URL,
    SLUGS,
    TIMEOUT,
    TRUST,
    WEBHOOK_SECRET,
    WEBHOOK_SECRETS,
    ClientOptions,
    Option,
    Options,
    Problem,
)

_PREFIX = "VENDO_"
_OPTIONS: dict[str, Option] = {
    "VENDO_API_KEY": API_KEY,
    "VENDO_BASE_URL": BASE_URL,
    "VENDO_CREDENTIALS_URL": CREDENTIALS_URL,
    "VENDO_DATA_PROXY_URL": DATA_PROXY_URL,
    "VENDO_TIMEOUT": TIMEOUT,
    "VENDO_REQUIRED": SLUGS,
    "VENDO_WEBHOOK_SECRET": WEBHOOK_SECRET,
    "VENDO_WEBHOOK_SECRETS": WEBHOOK_SECRETS,
    "VENDO_REDIS_URL": REDIS_URL,
    "VENDO_TRUST_WSGI_HEADERS": TRUST,
    "VENDO_WATCH": FLAG,
}
_OVERRIDE = "VENDO_TOKEN_"
#: What the library reads from the environment alone, beside tokens.
_VARIABLES = {
    "VENDO_API_KEY_FILE",
    "VENDO_API_URL",
    "VENDO_AUTH",
    "VENDO_CONNECTIONS",
    "VENDO_DEPLOYMENT_ID",
    "VENDO_DEPLOYMENT_SLUG",
    "VENDO_DJANGO_BUILD",
    "VENDO_SANDBOX",
    "VENDO_TENANT_ID",
}
_options = Options(
    _OPTIONS,
    label='app.config["{name}"]',
    line='Write app.config["{name}"] = {value}.',
    prefix=_PREFIX,
    similar=[*sorted(_VARIABLES), f"{_OVERRIDE}<SLUG>"],
    elsewhere={
        "VENDO_ERRORS": "FlaskVendo(app, errors=True)",
        "VENDO_MAY_CONNECT": "blueprint(may_connect=...)",
    },
)


def problems(app: Flask) -> Iterator[Problem]:
    """Yield the unknown options, and those of a wrong type."""
    names = [
        name
        for name, value in app.config.items()
        if str(name).startswith(_PREFIX)
        and not _is_variable(name)
        and (name in _OPTIONS or not _is_from_environment(name, value))
    ]
    return _options.problems(names, partial(_value, app))


def without_effect(app: Flask) -> list[str]:
    """Return the names of options that have a value, and that the library does not read here."""
    return [
        name
        for name, value in app.config.items()
        if _is_variable(name)
        and value is not None
        and str(value).strip()
        and not _is_from_environment(name, value)
    ]


def client_options(app: Flask) -> ClientOptions:
    """Return what the application's client is made of.

    Raises:
        ValidationError: a value is invalid.
    """
    return ClientOptions(*(_read(app, f"VENDO_{name.upper()}") for name in ClientOptions._fields))


def readable_client_options(app: Flask) -> tuple[ClientOptions, list[str]]:
    """Return the same without the values of a wrong type, and the names of these."""
    values, malformed = {}, []
    for name in ClientOptions._fields:
        try:
            values[name] = _read(app, f"VENDO_{name.upper()}")
        except ValidationError:
            malformed.append(name)
    return ClientOptions(**values), malformed


def client_values(app: Flask) -> tuple[Any, ...]:
    """Return the same unvalidated, for looking up the client that was made of it."""
    get = app.config.get
    return (
        get("VENDO_API_KEY"),
        get("VENDO_BASE_URL"),
        get("VENDO_CREDENTIALS_URL"),
        get("VENDO_DATA_PROXY_URL"),
        _value(app, "VENDO_TIMEOUT"),
    )


def client_label(argument: str) -> str:
    """Return how errors name an argument of the client."""
    return _options.label(f"VENDO_{argument.upper()}")


def required(app: Flask) -> list[str]:
    """Return the slugs that the application needs to work."""
    return list(_read(app, "VENDO_REQUIRED"))


def webhook_secrets(app: Flask) -> str | list[str] | None:
    """Return the secrets that sign webhooks; None where the environment decides."""
    secrets: str | list[str] | None = _read(app, "VENDO_WEBHOOK_SECRETS")
    if secrets is None:
        secrets = _read(app, "VENDO_WEBHOOK_SECRET") or None
    return secrets


def watches_events(app: Flask) -> bool:
    """Return whether each process of the application watches events."""
    return bool(_read(app, "VENDO_WATCH"))


def redis_url(app: Flask) -> str | None:
    """Return the URL of the application's Redis; None where the environment decides."""
    url: str | None = _read(app, "VENDO_REDIS_URL")
    return url


def readable_redis_url(app: Flask) -> str | None:
    """Return the same, and None for a value of a wrong type."""
    try:
        return redis_url(app)
    except ValidationError:
        return None


def trusts_wsgi_headers(app: Flask) -> bool | None:
    """Return whether the WSGI server drops header names with underscores; None where the
    environment decides.
    """
    trust: bool | None = _read(app, "VENDO_TRUST_WSGI_HEADERS")
    return trust


def _read(app: Flask, name: str) -> Any:
    return _options.read(name, partial(_value, app))


def _value(app: Flask, name: str) -> Any:
    """Return a value, with text as environments and files have it turned into what it stands for.

    Text that does not stand for anything is returned as it is: it is invalid.
    """
    value = app.config.get(name)
    if name == "VENDO_WATCH" and type(value) is int:  # `from_prefixed_env` reads 1 as a number
        value = str(value)
    if not isinstance(value, str) or name not in _FROM_TEXT:
        return value
    text = value.strip()
    try:
        return _FROM_TEXT[name](text) if text else None
    except (KeyError, ValueError):
        return value


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _flag(text: str) -> bool:
    return {"1": True, "true": True, "0": False, "false": False}[text.lower()]


_FROM_TEXT: dict[str, Callable[[str], Any]] = {
    "VENDO_TIMEOUT": float,
    "VENDO_REQUIRED": _parts,
    "VENDO_WEBHOOK_SECRETS": _parts,
    "VENDO_TRUST_WSGI_HEADERS": _flag,
    "VENDO_WATCH": _flag,
}


def _is_variable(name: object) -> bool:
    return name in _VARIABLES or (str(name).startswith(_OVERRIDE) and name != _OVERRIDE)


def _is_from_environment(name: str, value: object) -> bool:
    """Return True for a variable of an environment that was copied into the configuration."""
    environment: Mapping[str, object] = os.environ
    return environment.get(name) == value
