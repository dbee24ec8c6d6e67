"""System checks: what would go wrong later, said when the project starts.

They print no credential. With `manage.py check --deploy` the backend is asked as well.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, Tags, Warning  # noqa: A004  # Django's own name
from django.core.exceptions import ImproperlyConfigured
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve

import vendo
from vendo import (
    AuthError,
    VendoError,
    integrations,
    sso,
)
from vendo.web import is_missing
from vendo_django import conf
from vendo_django.clients import client
from vendo_django.masked import MaskedStr
from vendo_django.values import BUILD_VARIABLE, is_build

_MIDDLEWARE = "vendo_django.middleware.VendoMiddleware"
_IDENTITY_MIDDLEWARE = "vendo_django.middleware.VendoIdentityMiddleware"
_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"

#: How tokens begin that their providers mean to be seen by everybody.
_PUBLIC = re.compile(r"pk[._-]|phc_|pub|sb_publishable_", re.IGNORECASE)
#: How credentials begin that nobody may see.
_SECRET = re.compile(
    r"sk[._-]|rk_|whsec_|xox[a-z]-|gh[opsur]_|github_pat_|glpat-|SG\.|shp[a-z]{2}_|ya29\.|eyJ"
    r"|vendo_sk_|sb_secret_|re_|key-|-----BEGIN|[a-z+]+://"
)


def register() -> None:
    """Put the checks where `manage.py check` finds them."""
    for check in (
        check_setting,
        check_key,
        check_required,
        check_frozen_tokens,
        check_template_tokens,
        check_urls,
        check_middleware,
    ):
        checks.register(check, Tags.security)
    checks.register(check_deployment, Tags.security, deploy=True)


def check_setting(**_: Any) -> list[CheckMessage]:
    """`vendo.E001`: an unknown key; `vendo.E002`: a value of the wrong kind."""
    ids = {"key": "vendo.E001", "value": "vendo.E002"}
    return [Error(text, hint=hint, id=ids[what]) for what, text, hint in conf.problems()]


def check_key(**_: Any) -> list[CheckMessage]:
    """`vendo.E003`: a key or an address that no client can be made of."""
    try:
        client().is_vendo_mode()
        client().invalidate("openai")  # looks at the key and at the addresses, sends nothing
    except ImproperlyConfigured as error:
        if any(conf.problems()):
            return []  # told by check_setting
        return [Error(str(error).removeprefix("vendo: "), id="vendo.E003")]
    except VendoError as error:
        return [_error(error, "vendo.E003")]
    return []


def check_required(**_: Any) -> list[CheckMessage]:
    """`vendo.E004`: a slug of `REQUIRED` without a credential.

    Out of the environment alone; what Vendo holds is asked for by `check_deployment`.
    """
    if is_build():
        return []
    try:
        asked = client()
        return [] if asked.is_vendo_mode() else list(_missing(asked))
    except ImproperlyConfigured:
        return []  # told by the checks above


def check_frozen_tokens(**_: Any) -> list[CheckMessage]:
    """`vendo.W001`: a setting keeps a token that expires."""
    return [
        Warning(
            f"The setting {name} keeps a token of {value.slug!r}, which expires while the process "
            "runs.",
            hint=f"Ask for it when it is needed: client().token({value.slug!r}), or "
            f"request.vendo.session({value.slug!r}).",
            id="vendo.W001",
        )
        for name, setting in _settings()
        for value in _masked_values(setting)
        if value.expires
    ]


def check_template_tokens(**_: Any) -> list[CheckMessage]:
    """`vendo.E005`: `TEMPLATE_TOKENS` lets a secret onto pages.

    Out of the environment alone; what Vendo holds is asked for by `check_deployment`.
    """
    try:
        slugs, asked = sorted(conf.template_tokens()), client()
    except ImproperlyConfigured:
        return []
    return list(_secrets(asked, [slug for slug in slugs if _is_local(slug, asked)]))


def check_urls(**_: Any) -> list[CheckMessage]:
    """`vendo.W002`: the webhook view has no secret; `vendo.W003`: the identity view stands where
    the platform's pages do not look for it.
    """
    from vendo_django import views

    found: list[CheckMessage] = []
    routed = set(_views(get_resolver().url_patterns))
    if views.webhook in routed and not _has_secret() and not is_build():
        found.append(
            Warning(
                "The webhook view has no secret, and refuses every webhook.",
                hint="Set VENDO_WEBHOOK_SECRET, or VENDO['WEBHOOK_SECRETS'].",
                id="vendo.W002",
            )
        )
    if views.identity in routed and sso.is_enabled() and not _serves_identity():
        found.append(
            Warning(
                f"The identity view is not at {sso.IDENTITY_ENDPOINT_PATH}, where the platform's "
                "pages look for it.",
                hint='Include the URLs as path("api/vendo/", include("vendo_django.urls")).',
                id="vendo.W003",
            )
        )
    return found


def check_middleware(**_: Any) -> list[CheckMessage]:
    """`vendo.E006`: the identity middleware stands before what it needs; `vendo.E007`: it has no
    backend.
    """
    middleware = list(settings.MIDDLEWARE)
    if _IDENTITY_MIDDLEWARE not in middleware:
        return []
    before = middleware[: middleware.index(_IDENTITY_MIDDLEWARE)]
    found: list[CheckMessage] = [
        Error(
            f"VendoIdentityMiddleware needs {needed.rpartition('.')[2]} before it in MIDDLEWARE.",
            hint=f"Put {needed!r} before {_IDENTITY_MIDDLEWARE!r}.",
            id="vendo.E006",
        )
        for needed in (_AUTHENTICATION, _MIDDLEWARE)
        if needed not in before
    ]
    if not _has_backend():
        found.append(
            Error(
                "VendoIdentityMiddleware signs nobody in: no VendoIdentityBackend is among the "
                "AUTHENTICATION_BACKENDS.",
                hint="Add 'vendo_django.backends.VendoIdentityBackend', or a subclass of it.",
                id="vendo.E007",
            )
        )
    return found


def check_deployment(**_: Any) -> list[CheckMessage]:
    """With `--deploy`. `vendo.W004`: placeholders; `vendo.E004` and `vendo.E005`: as above, of
    Vendo; `vendo.E008`: the backend refuses the key; `vendo.W005`: it does not answer.
    """
    if is_build():
        return [
            Warning(
                f"{BUILD_VARIABLE} is set: missing credentials are empty placeholders.",
                hint="Set it where an image is built, and nowhere else.",
                id="vendo.W004",
            )
        ]
    try:
        asked = client()
        if not asked.is_vendo_mode():
            return []
        asked.connections.list()
        printed = [slug for slug in sorted(conf.template_tokens()) if not _is_local(slug, asked)]
        return [*_missing(asked), *_secrets(asked, printed)]
    except ImproperlyConfigured:
        return []
    except AuthError as error:
        return [_error(error, "vendo.E008")]
    except VendoError as error:
        return [Warning(error.message, hint=error.suggested_fix, id="vendo.W005")]


def _missing(asked: vendo.Vendo) -> Iterator[CheckMessage]:
    for slug in conf.required():
        try:
            asked.token(slug)
        except VendoError as error:
            if not is_missing(error):
                raise  # the backend failed, which is told by itself
            text = f"VENDO['REQUIRED'] names {slug!r}. {error.message}"
            yield Error(text, hint=error.suggested_fix, id="vendo.E004")


def _secrets(asked: vendo.Vendo, slugs: list[str]) -> Iterator[CheckMessage]:
    for slug in slugs:
        if _looks_secret(slug, asked):
            yield Error(
                f"VENDO['TEMPLATE_TOKENS'] lets templates print the credential of {slug!r}, which "
                "looks like a secret.",
                hint="List only tokens that their provider means to be seen by everybody, such as "
                "those that begin with pk. or pk_.",
                id="vendo.E005",
            )


def _is_local(slug: str, asked: vendo.Vendo) -> bool:
    """True where a token is found, or not, without a request."""
    if not asked.is_vendo_mode():
        return True
    import os

    variable = f"VENDO_TOKEN_{slug.upper().replace('-', '_')}"
    return bool(os.environ.get(variable, "").strip())


def _error(error: VendoError, message_id: str) -> CheckMessage:
    return Error(error.message, hint=error.suggested_fix, id=message_id)


def _settings() -> Iterator[tuple[str, object]]:
    """The project's own settings."""
    for name in dir(settings):
        if name.isupper() and settings.is_overridden(name):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # reading one that is deprecated is no use of it
                value = getattr(settings, name, None)
            yield name, value


def _masked_values(value: object) -> Iterator[MaskedStr]:
    if isinstance(value, MaskedStr):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _masked_values(inner)
    elif isinstance(value, list | tuple | set | frozenset):
        for inner in value:
            yield from _masked_values(inner)


def _looks_secret(slug: str, asked: vendo.Vendo) -> bool:
    value = None
    try:
        value = asked.token(slug)
    except VendoError as error:
        if not (is_missing(error) or _is_local(slug, asked)):
            raise
    if value is not None and _PUBLIC.match(value):
        return False
    # What the catalog knows is what a server authenticates itself with.
    return bool(integrations.env_vars(slug)) or bool(value and _SECRET.match(value))


def _views(patterns: list[Any]) -> Iterator[object]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.callback


def _has_secret() -> bool:
    try:
        secrets = conf.webhook_secrets()
    except ImproperlyConfigured:
        return True  # told by check_setting
    if secrets is not None:
        return bool(secrets)
    import os

    return bool(os.environ.get("VENDO_WEBHOOK_SECRET", "").strip())


def _serves_identity() -> bool:
    from vendo_django import views

    try:
        return resolve(sso.IDENTITY_ENDPOINT_PATH).func is views.identity
    except Resolver404:
        return False


def _has_backend() -> bool:
    from django.contrib.auth import get_backends

    from vendo_django.backends import VendoIdentityBackend

    return any(isinstance(backend, VendoIdentityBackend) for backend in get_backends())
