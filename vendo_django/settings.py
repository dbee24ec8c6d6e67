"""The setting `VENDO`, read at each use so that `override_settings` takes effect immediately."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from vendo.errors import ValidationError
from vendo.web import (
    API_KEY,
    BASE_URL,
    FLAG,
    REDIS_URL,
    SLUGS,
    TIMEOUT,
    TRUST,
    WEBHOOK_SECRETS,
    ClientOptions,
    Option,
    Options,
    Problem,
)


def _is_dotted(value: object) -> bool:
    return isinstance(value, str) and "." in value and all(value.split("."))


_MAY_CONNECT = Option(
    lambda value: callable(value) or _is_dotted(value),
    "a function of request and slug, or its dotted path",
    '"shop.rules.may_connect"',
)
_PERMISSION = Option(
    lambda value: _is_dotted(value) and value.count(".") == 1,
    'a permission "app.codename"',
    '"shop.connect_providers"',
)
_OPTIONS: dict[str, Option] = {
    "API_KEY": API_KEY,
    "BASE_URL": BASE_URL,
    "REQUIRED": SLUGS,
    "TEMPLATE_TOKENS": SLUGS,
    "WEBHOOK_SECRETS": WEBHOOK_SECRETS,
    "ERRORS": FLAG,
    "TIMEOUT": TIMEOUT,
    "MAY_CONNECT": _MAY_CONNECT,
    "CONNECT_PERMISSION": _PERMISSION,
    "REDIS_URL": REDIS_URL,
    "TRUST_WSGI_HEADERS": TRUST,
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


def may_connect() -> Callable[..., object] | None:
    """Return the project's function that says who may connect a provider, or None.

    Raises:
        ImproperlyConfigured: it cannot be imported, or there is a permission as well.
    """
    found = _read("MAY_CONNECT")
    if found is None:
        return None
    if connect_permission() is not None:
        raise ImproperlyConfigured(
            "vendo: VENDO has MAY_CONNECT and CONNECT_PERMISSION. Keep one of them."
        )
    if isinstance(found, str):
        try:
            found = import_string(found)
        except Exception as error:
            # The text of other errors may show what the module works with.
            why = error if isinstance(error, ImportError) else type(error).__name__
            raise ImproperlyConfigured(
                f"vendo: VENDO['MAY_CONNECT'] cannot be imported: {why}. Write the dotted path "
                "of a function."
            ) from error
        if not callable(found):
            raise ImproperlyConfigured(
                "vendo: VENDO['MAY_CONNECT'] names something that is not a function. Write the "
                "dotted path of a function of request and slug."
            )
    function: Callable[..., object] = found
    return function


def connect_permission() -> str | None:
    """Return the permission of those who may connect a provider, or None."""
    permission: str | None = _read("CONNECT_PERMISSION")
    return permission


def redis_url() -> str | None:
    """Return the URL of the Redis for webhooks; None where the environment decides."""
    url: str | None = _read("REDIS_URL")
    return url


def trusts_wsgi_headers() -> bool | None:
    """Return whether the WSGI server drops header names with underscores; None where the
    environment decides.
    """
    trust = _read("TRUST_WSGI_HEADERS")
    return None if trust is None else trust in {True, "1"}


def problems() -> Iterator[Problem]:
    """Yield everything that is wrong with the setting."""
    try:
        setting = _setting()
    except ImproperlyConfigured:
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
    return _setting().get


def _setting() -> Mapping[str, object]:
    """Return the setting, which may be missing.

    Raises:
        ImproperlyConfigured: it is not a dictionary, or raises when it is read.
    """
    failure = None
    try:
        value = getattr(settings, "VENDO", None)
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return value
    except Exception as error:  # noqa: BLE001  # whatever a lazy value raises
        failure = error
    raise ImproperlyConfigured(f"vendo: {_NOT_A_DICT.text} {_NOT_A_DICT.fix}") from failure
