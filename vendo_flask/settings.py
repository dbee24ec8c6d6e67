"""The options of an application, read from `app.config` at each use, so that changes count."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from flask import Flask

from vendo.web import (
    API_KEY,
    BASE_URL,
    CREDENTIALS_URL,
    DATA_PROXY_URL,
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
    invalid,
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
}
_options = Options(
    _OPTIONS,
    label='app.config["{name}"]',
    line='Write app.config["{name}"] = {value}.',
    prefix=_PREFIX,
)


def check(app: Flask) -> None:
    """Validate the configuration.

    Raises:
        ValidationError: something is wrong; the text names everything.
    """
    found = [f"{problem.text} {problem.fix}" for problem in problems(app)]
    if found:
        raise invalid(" ".join(found))


def problems(app: Flask) -> Iterator[Problem]:
    """Yield everything that is wrong with the configuration."""
    names = [
        name
        for name, value in app.config.items()
        if name in _OPTIONS
        or (str(name).startswith(_PREFIX) and not _is_from_environment(name, value))
    ]
    return _options.problems(names, app.config.get)


def client_options(app: Flask) -> ClientOptions:
    """Return what the application's client is made of.

    Raises:
        ValidationError: a value is invalid.
    """
    return ClientOptions(
        *(_options.read(f"VENDO_{name.upper()}", app.config.get) for name in ClientOptions._fields)
    )


def client_values(app: Flask) -> tuple[Any, ...]:
    """Return the same unvalidated, for looking up the client that was made of it."""
    get = app.config.get
    return (
        get("VENDO_API_KEY"),
        get("VENDO_BASE_URL"),
        get("VENDO_CREDENTIALS_URL"),
        get("VENDO_DATA_PROXY_URL"),
        get("VENDO_TIMEOUT"),
    )


def client_label(argument: str) -> str:
    """Return how errors name an argument of the client."""
    return _options.label(f"VENDO_{argument.upper()}")


def required(app: Flask) -> list[str]:
    """Return the slugs that the application needs to work."""
    return list(_options.read("VENDO_REQUIRED", app.config.get))


def webhook_secrets(app: Flask) -> str | list[str] | None:
    """Return the secrets that sign webhooks; None where the environment decides."""
    secrets: str | list[str] | None = _options.read("VENDO_WEBHOOK_SECRETS", app.config.get)
    if secrets is None:
        secrets = _options.read("VENDO_WEBHOOK_SECRET", app.config.get) or None
    return secrets


def redis_url(app: Flask) -> str | None:
    """Return the URL of the Redis for webhooks; None where the environment decides."""
    url: str | None = _options.read("VENDO_REDIS_URL", app.config.get)
    return url


def trusts_wsgi_headers(app: Flask) -> bool | None:
    """Return whether the WSGI server drops header names with underscores; None where the
    environment decides.
    """
    trust = _options.read("VENDO_TRUST_WSGI_HEADERS", app.config.get)
    return None if trust is None else trust in {True, "1"}


def _is_from_environment(name: str, value: object) -> bool:
    """Return True for a variable of an environment that was copied into the configuration."""
    environment: Mapping[str, object] = os.environ
    return environment.get(name) == value
