"""The setting `VENDO`, read at each use so that `override_settings` takes effect immediately."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from functools import cache
from typing import Any, TypeVar, cast

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

import vendo
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
from vendo_django.credentials import is_build
from vendo_django.masked import MaskedStr

_Client = TypeVar("_Client", "vendo.Vendo", "vendo.AsyncVendo")


def _is_dotted(value: object) -> bool:
    return isinstance(value, str) and "." in value and all(value.split("."))


_MAY_CONNECT = Option(
    lambda value: callable(value) or _is_dotted(value),
    "a function of request and slug, or its dotted path",
    '"shop.rules.may_connect"',
)
_CLIENT = Option(
    lambda value: isinstance(value, vendo.Vendo) or callable(value) or _is_dotted(value),
    "a vendo.Vendo, a function that returns one, or the dotted path of either",
    '"shop.testing.client"',
)
_ASYNC_CLIENT = Option(
    lambda value: isinstance(value, vendo.AsyncVendo) or callable(value) or _is_dotted(value),
    _CLIENT.kind.replace("Vendo", "AsyncVendo"),
    '"shop.testing.aclient"',
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
    "CLIENT": _CLIENT,
    "ASYNC_CLIENT": _ASYNC_CLIENT,
    "WATCH": FLAG,
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


def readable_client_options() -> tuple[ClientOptions, list[str]]:
    """Return the same without the values that are invalid, and the names of these."""
    values: dict[str, Any] = {}
    malformed = []
    try:
        get = _get_option()
    except ImproperlyConfigured:
        return ClientOptions(), []
    for name in ("api_key", "base_url", "timeout"):
        try:
            values[name] = _value(name.upper(), get)
        except ImproperlyConfigured:
            malformed.append(name)
    return ClientOptions(**values), malformed


def client_label(argument: str) -> str:
    """Return how errors name an argument of the client."""
    return _options.label(argument.upper())


def has_client() -> bool:
    """Return whether the project gives a client in place of ours."""
    return _read("CLIENT") is not None


def given_client() -> vendo.Vendo | None:
    """Return the client that the project gives in place of ours, or None.

    Raises:
        ImproperlyConfigured: it is not a client, or cannot be imported or made.
    """
    return _given("CLIENT", vendo.Vendo)


def given_async_client() -> vendo.AsyncVendo | None:
    """Return the same for asyncio."""
    return _given("ASYNC_CLIENT", vendo.AsyncVendo)


def _given(name: str, kind: type[_Client]) -> _Client | None:
    found = _read(name)
    if found is None:
        return None
    if isinstance(found, str):
        found = _imported(name, found)
    if not isinstance(found, kind) and callable(found) and isinstance(found, Hashable):
        found = _made_by(found, name)
    if isinstance(found, kind):
        return found
    raise ImproperlyConfigured(
        f"vendo: {_options.label(name)} gives an object of type {type(found).__name__}. Fix: it "
        f"must be {_OPTIONS[name].kind}."
    )


@cache
def _made_by(function: Callable[[], object], name: str) -> object:
    """Return what a function returns. It is called once, and again when the settings change."""
    try:
        return function()
    except Exception as error:
        raise ImproperlyConfigured(
            f"vendo: {_options.label(name)} raised {type(error).__name__}. Fix: return a client."
        ) from error


def _forget_made(*, setting: str, **_: object) -> None:
    if setting == "VENDO":
        _made_by.cache_clear()


setting_changed.connect(_forget_made)


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
            "vendo: VENDO has MAY_CONNECT and CONNECT_PERMISSION. Fix: keep one of them."
        )
    if isinstance(found, str):
        found = _imported("MAY_CONNECT", found)
        if not callable(found):
            raise ImproperlyConfigured(
                "vendo: VENDO['MAY_CONNECT'] names something that is not a function. Fix: write "
                "the dotted path of a function of request and slug."
            )
    function: Callable[..., object] = found
    return function


def connect_permission() -> str | None:
    """Return the permission of those who may connect a provider, or None."""
    permission: str | None = _read("CONNECT_PERMISSION")
    return permission


def watches_events() -> bool:
    """Return whether each process of the project watches events."""
    return bool(_read("WATCH"))


def redis_url() -> str | None:
    """Return the URL of the project's Redis; None where the environment decides."""
    url: str | None = _read("REDIS_URL")
    return url


def readable_redis_url() -> str | None:
    """Return the same, and None for a value of a wrong type."""
    try:
        return redis_url()
    except ImproperlyConfigured:
        return None


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
        if is_build():
            setting = _without_placeholders(setting)
        yield from _options.problems(setting, setting.get)


def _without_placeholders(setting: Mapping[str, object]) -> dict[str, object]:
    """Leave out what stands for a credential while an image is built, or for all of a list."""
    kept: dict[str, object] = {}
    for name, value in setting.items():
        parts = cast("list[object]", value) if issubclass(type(value), list | tuple) else [value]
        if not parts or not all(map(_is_placeholder, parts)):
            kept[name] = value
    return kept


def _is_placeholder(value: object) -> bool:
    return issubclass(type(value), MaskedStr) and not value


def _imported(name: str, path: str) -> Any:
    try:
        return import_string(path)
    except Exception as error:
        # The text of other errors may show what the module works with.
        why = error if isinstance(error, ImportError) else type(error).__name__
        raise ImproperlyConfigured(
            f"vendo: {_options.label(name)} cannot be imported: {why}. Fix: write the dotted "
            f"path of {_OPTIONS[name].kind.partition(',')[0]}."
        ) from error


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
    raise ImproperlyConfigured(f"vendo: {_NOT_A_DICT.text} Fix: {_NOT_A_DICT.fix}") from failure
