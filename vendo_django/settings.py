"""The setting `VENDO`, read at each use so that `override_settings` takes effect immediately."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from vendo.errors import ValidationError
from vendo.web import (
    ADDRESS,
    API_KEY,
    FLAG,
    SLUGS,
    TIMEOUT,
    WEBHOOK_SECRETS,
    ClientOptions,
    Option,
    Options,
    Problem,
)

_OPTIONS: dict[str, Option] = {
    "API_KEY": API_KEY,
    "BASE_URL": ADDRESS,
    "REQUIRED": SLUGS,
    "TEMPLATE_TOKENS": SLUGS,
    "WEBHOOK_SECRETS": WEBHOOK_SECRETS,
    "ERRORS": FLAG,
    "TIMEOUT": TIMEOUT,
}
_options = Options(_OPTIONS, label="VENDO[{name!r}]", line='Write VENDO = {{"{name}": {value}}}.')
_NOT_A_DICT = Problem(
    "The setting VENDO must be a dictionary.", 'Write VENDO = {"REQUIRED": ["openai"]}.'
)


def client_options() -> ClientOptions:
    """Return what the process's clients are made of.

    Raises:
        ImproperlyConfigured: a value is invalid.
    """
    get = _get_option()
    return ClientOptions(
        api_key=_value("API_KEY", get),
        base_url=_value("BASE_URL", get),
        timeout=_value("TIMEOUT", get),
    )


def client_label(argument: str) -> str:
    """Return how errors name an argument of the client."""
    return _options.label(argument.upper())


def required() -> list[str]:
    """Return the slugs that the project needs to work."""
    return list(_read("REQUIRED"))


def template_tokens() -> frozenset[str]:
    """Return the slugs of the credentials that templates may print, in lower case."""
    return frozenset(slug.lower() for slug in _read("TEMPLATE_TOKENS"))


def webhook_secrets() -> str | list[str] | None:
    """Return the secrets that sign webhooks; None where the environment decides."""
    secrets: str | list[str] | None = _read("WEBHOOK_SECRETS")
    return secrets


def handles_errors() -> bool:
    """Return whether the middleware turns vendo's errors into responses."""
    return bool(_read("ERRORS"))


def problems() -> Iterator[Problem]:
    """Yield everything that is wrong with the setting."""
    setting = _setting()
    if setting is None:
        yield _NOT_A_DICT
    else:
        yield from _options.problems(setting, setting.get)


def _read(name: str) -> Any:
    return _value(name, _get_option())


def _value(name: str, get: Callable[[str], object]) -> Any:
    try:
        return _options.read(name, get)
    except ValidationError as error:
        raise ImproperlyConfigured(f"vendo: {error}") from None


def _get_option() -> Callable[[str], object]:
    setting = _setting()
    if setting is None:
        raise ImproperlyConfigured(f"vendo: {_NOT_A_DICT.text} {_NOT_A_DICT.fix}")
    return setting.get


def _setting() -> Mapping[str, object] | None:
    """Return the setting, which may be missing; None where it is not a dictionary."""
    value = getattr(settings, "VENDO", None)
    if value is None:
        return {}
    return value if isinstance(value, Mapping) else None
