"""`VendoSettings`: the options of one application. The environment decides what it leaves out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NoReturn, Self

import vendo
from vendo.web import (
    API_KEY,
    BASE_URL,
    CREDENTIALS_URL,
    DATA_PROXY_URL,
    FLAG,
    REDIS_URL,
    SLUGS,
    TIMEOUT,
    WEBHOOK_SECRETS,
    ClientOptions,
    Option,
    Options,
    checked_slug,
    invalid,
)

_OPTIONS: dict[str, Option] = {
    "api_key": API_KEY,
    "base_url": BASE_URL,
    "credentials_url": CREDENTIALS_URL,
    "data_proxy_url": DATA_PROXY_URL,
    "timeout": TIMEOUT,
    "required": SLUGS,
    "webhook_secrets": WEBHOOK_SECRETS,
    "redis_url": REDIS_URL,
    "watch": FLAG,
}
_options = Options(_OPTIONS, label="{name}=", line="Write VendoSettings({name}={value}).")


@dataclass(frozen=True, slots=True, kw_only=True)
class VendoSettings:
    """Hold the settings of one application, for `install` or `VendoMiddleware`. Both modes.

    Attributes:
        api_key: the app key; `VENDO_API_KEY` by default.
        base_url: the platform API; `VENDO_BASE_URL`, `VENDO_API_URL` or `https://vendo.run` by
            default.
        credentials_url: the credentials worker, where it is not the usual one.
        data_proxy_url: the data proxy, where it is not the usual one.
        timeout: seconds that one call to Vendo may take, with its retries; 30 by default.
        required: slugs that the application needs to work: with `VendoMiddleware` it does not start
            while one has no credential.
        webhook_secrets: what signs webhooks: one secret, or several while one replaces another;
            `VENDO_WEBHOOK_SECRET` by default.
        redis_url: where all processes of the application remember the webhooks that they handled,
            such as `redis://127.0.0.1:6379/0`; `VENDO_REDIS_URL` by default. Without one, each
            process remembers its own.
        watch: whether each process watches the platform's events from its start to its end, so that
            a changed connection is noticed at once; with `redis_url`, one stream serves all
            processes.

    Raises:
        ValidationError: a value is invalid.

    Example:
        ```python
        from fastapi import FastAPI

        from vendo_starlette import VendoSettings, install

        app = FastAPI()
        install(app, VendoSettings(timeout=10, required=["openai"]))
        ```
    """

    api_key: str | None = field(default=None, repr=False)
    base_url: str | None = None
    credentials_url: str | None = None
    data_proxy_url: str | None = None
    timeout: float | None = None
    required: Sequence[vendo.Slug | str] = ()
    webhook_secrets: str | Sequence[str] | None = field(default=None, repr=False)
    redis_url: str | None = field(default=None, repr=False)
    watch: bool = False

    def __post_init__(self) -> None:
        get = partial(getattr, self)
        for name in ("required", "webhook_secrets"):
            value = get(name)
            if isinstance(value, Iterable) and not isinstance(value, str | bytes | Mapping):
                object.__setattr__(self, name, tuple(value))
        for name in ("required", "redis_url", "watch"):
            _options.read(name, get)
        if self.webhook_secrets != "":  # a blank one is an error of each webhook
            _options.read("webhook_secrets", get)
        object.__setattr__(self, "required", tuple(map(checked_slug, self.required)))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise invalid(
            "VendoSettings cannot be pickled: the pickle would contain the key.",
            fix="Make VendoSettings in the process that uses them.",
        )

    def __reduce_ex__(self, _protocol: object) -> NoReturn:
        self.__reduce__()


def checked_settings(settings: object) -> VendoSettings:
    """Return what an application was given.

    Raises:
        ValidationError: they are not `VendoSettings`.
    """
    if not isinstance(settings, VendoSettings):
        raise invalid(
            "The settings must be VendoSettings.",
            fix="Write VendoSettings(timeout=10), which takes every option by its name.",
        )
    return settings


def client_options(settings: VendoSettings) -> ClientOptions:
    """Return what an application's clients are made of.

    Raises:
        ValidationError: a value is invalid.
    """
    get = partial(getattr, settings)
    return ClientOptions(*(_options.read(name, get) for name in ClientOptions._fields))


def given_redis_url(settings: VendoSettings) -> str | None:
    """Return the URL of the settings' Redis, or None.

    Raises:
        ValidationError: it is not a str.
    """
    url: str | None = _options.read("redis_url", partial(getattr, settings))
    return url


def client_label(argument: str) -> str:
    """Return how errors name an argument of the client."""
    return _options.label(argument)
