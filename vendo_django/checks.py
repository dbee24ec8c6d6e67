"""System checks: problems that would show up later, reported when the project starts.

No message contains a credential. `manage.py check --deploy` also sends requests to Vendo.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from typing import Any, cast

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own name
from django.core.exceptions import ImproperlyConfigured

from vendo import AuthError, VendoError, sso
from vendo.web import check_client, has_webhook_secret, is_local, is_missing, is_missing_file
from vendo_django import frozen, project, settings, webhooks
from vendo_django.clients import client
from vendo_django.credentials import BUILD_VARIABLE, is_build
from vendo_django.masked import MaskedStr
from vendo_django.webhooks import replay_store

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo import Vendo

_MIDDLEWARE = "vendo_django.middleware.VendoMiddleware"
_IDENTITY_MIDDLEWARE = "vendo_django.middleware.VendoIdentityMiddleware"
_CACHE = "django.middleware.cache.UpdateCacheMiddleware"
_AUTHENTICATION = "django.contrib.auth.middleware.AuthenticationMiddleware"
_BACKEND = "vendo_django.backends.VendoIdentityBackend"
_VIEWS = "vendo_django.views"

#: How tokens begin that everybody may see.
_PUBLIC = re.compile(r"pk[._-]|phc_|pub|sb_publishable_", re.IGNORECASE)
#: How secret credentials begin.
_SECRET = re.compile(
    r"sk[._-]|rk_|whsec_|xox[a-z]-|gh[opsur]_|github_pat_|glpat-|SG\.|shp[a-z]{2}_|ya29\.|eyJ"
    r"|vendo_sk_|sb_secret_|re_|key-|-----BEGIN|[a-z+]+://"
)


def check_project(**options: Any) -> list[CheckMessage]:
    """Run all checks but `check_deployment`."""
    all_checks = (
        check_setting,
        check_key,
        check_required,
        check_frozen_tokens,
        check_template_tokens,
        check_urls,
        check_connect,
        check_middleware,
    )
    return [message for check in all_checks for message in check(**options)]


def check_setting(**_: Any) -> list[CheckMessage]:
    """Report an unknown option (`vendo.E001`) and an invalid value (`vendo.E002`)."""
    found: list[CheckMessage] = [
        Error(
            problem.text,
            hint=problem.fix,
            id="vendo.E001" if problem.is_unknown_name else "vendo.E002",
        )
        for problem in settings.problems()
    ]
    if found:
        return found
    reads = (settings.may_connect, settings.given_client, settings.given_async_client)
    for read in reads:
        try:
            read()
        except ImproperlyConfigured as error:
            found.append(_configuration_error(error, "vendo.E002"))
    try:
        replay_store()
    except ImproperlyConfigured:
        pass  # there is no default cache, which Django reports
    except VendoError as error:
        found.append(_error(error, "vendo.E002"))
    return found


def check_key(**_: Any) -> list[CheckMessage]:
    """Report a malformed key, address or `VENDO_AUTH` (`vendo.E003`)."""
    try:
        sso.is_enabled()
        if not settings.has_client():
            check_client(client())
    except ImproperlyConfigured as error:
        if any(settings.problems()):
            return []  # check_setting reports it
        return [_configuration_error(error, "vendo.E003")]
    except VendoError as error:
        if is_build() and is_missing_file(error):
            return []
        return [_error(error, "vendo.E003")]
    return []


def check_required(**_: Any) -> list[CheckMessage]:
    """Report a slug of `REQUIRED` without a credential (`vendo.E004`).

    Only in OSS mode: `check_deployment` asks Vendo.
    """
    if is_build():
        return []
    try:
        vendo = client()
        return [] if vendo.is_vendo_mode() else list(_missing(vendo))
    except ImproperlyConfigured:
        return []  # the checks above report it


def check_frozen_tokens(**_: Any) -> list[CheckMessage]:
    """Report a setting that keeps a token which expires (`vendo.W001`)."""
    return [
        Warning(
            f"The setting {name} keeps a token of {value.slug!r}, which expires while the process "
            "runs.",
            hint=frozen.instead(name, value),
            id="vendo.W001",
        )
        for name, setting in frozen.without_renewed(dict(_settings())).items()
        for value in _masked_values(setting)
        if value.expires
    ]


def check_template_tokens(**_: Any) -> list[CheckMessage]:
    """Report a secret that `TEMPLATE_TOKENS` lets templates print (`vendo.E005`).

    Only tokens of the environment: `check_deployment` asks Vendo.
    """
    try:
        slugs, vendo = sorted(settings.template_tokens()), client()
    except ImproperlyConfigured:
        return []
    return list(_secrets(vendo, [slug for slug in slugs if is_local(slug, vendo)]))


def check_urls(**_: Any) -> list[CheckMessage]:
    """Report a webhook view without a secret (`vendo.W002`), and an identity view at a path that
    the platform's pages do not use (`vendo.W003`).
    """
    found: list[CheckMessage] = []
    routed = project.routed_views()
    if f"{_VIEWS}.webhook" in routed and not _has_secret() and not is_build():
        found.append(
            Warning(
                "The webhook view has no secret, and rejects every webhook.",
                hint="Set VENDO_WEBHOOK_SECRET, or VENDO['WEBHOOK_SECRETS'].",
                id="vendo.W002",
            )
        )
    identity = f"{_VIEWS}.identity"
    is_served = project.view_at(sso.IDENTITY_ENDPOINT_PATH) == identity
    if identity in routed and not is_served and _has_proxy():
        found.append(
            Warning(
                f"The identity view is not at {sso.IDENTITY_ENDPOINT_PATH}, the path that the "
                "platform's pages use.",
                hint='Include the URLs as path("api/vendo/", include("vendo_django.urls")).',
                id="vendo.W003",
            )
        )
    return found


def check_connect(**_: Any) -> list[CheckMessage]:
    """Report a connect view that is closed to everybody (`vendo.W006`), and a permission without
    the middleware that it needs (`vendo.E009`).

    In OSS mode only `check_deployment` reports the first: there is nothing to connect.
    """
    try:
        permission = settings.connect_permission()
        settings.may_connect()
    except ImproperlyConfigured:
        return []  # check_setting reports it
    middleware = project.lineages("MIDDLEWARE")
    if permission is not None and _index(_AUTHENTICATION, middleware) is None:
        return [
            Error(
                "CONNECT_PERMISSION needs AuthenticationMiddleware in MIDDLEWARE.",
                hint=f"Add {_AUTHENTICATION!r}.",
                id="vendo.E009",
            )
        ]
    try:
        return list(_closed_view()) if client().is_vendo_mode() else []
    except (ImproperlyConfigured, VendoError):
        return []  # check_key reports it


def _closed_view() -> Iterator[CheckMessage]:
    is_open = settings.connect_permission() or settings.may_connect() or sso.is_enabled()
    if not is_open and not is_build() and f"{_VIEWS}.connect" in project.routed_views():
        yield Warning(
            "The connect view is closed: no rule lets users connect providers.",
            hint="Write VENDO = {'CONNECT_PERMISSION': 'app.codename'}, or MAY_CONNECT: a function "
            "of request and slug. All who can open the view hold the API key.",
            id="vendo.W006",
        )


def check_middleware(**_: Any) -> list[CheckMessage]:
    """Report an identity middleware before those that it needs (`vendo.E006`), one without a
    backend (`vendo.E007`), a cache that would serve one user's page to all (`vendo.E010`), and
    `ERRORS` without `VendoMiddleware` (`vendo.W008`).
    """
    middleware = project.lineages("MIDDLEWARE")
    own, identity = _index(_MIDDLEWARE, middleware), _index(_IDENTITY_MIDDLEWARE, middleware)
    found: list[CheckMessage] = []
    if own is not None and _index(_CACHE, middleware[own:]) is not None:
        found.append(
            Error(
                "UpdateCacheMiddleware comes after VendoMiddleware in MIDDLEWARE, and would serve "
                "one user's page to all.",
                hint=f"Put {_CACHE!r} before {_MIDDLEWARE!r}.",
                id="vendo.E010",
            )
        )
    if own is None and not any(settings.problems()) and settings.handles_errors():
        found.append(
            Warning(
                "VENDO['ERRORS'] has no effect: MIDDLEWARE has no VendoMiddleware.",
                hint=f"Add {_MIDDLEWARE!r}.",
                id="vendo.W008",
            )
        )
    if identity is None:
        return found
    found += [
        Error(
            f"VendoIdentityMiddleware needs {needed.rpartition('.')[2]} before it in MIDDLEWARE.",
            hint=f"Put {needed!r} before {_IDENTITY_MIDDLEWARE!r}.",
            id="vendo.E006",
        )
        for needed in (_AUTHENTICATION, _MIDDLEWARE)
        if _index(needed, middleware[:identity]) is None
    ]
    if _index(_BACKEND, project.lineages("AUTHENTICATION_BACKENDS")) is None:
        found.append(
            Error(
                "VendoIdentityMiddleware cannot sign users in: AUTHENTICATION_BACKENDS has no "
                "VendoIdentityBackend that can be imported.",
                hint=f"Add {_BACKEND!r}, or a subclass of it.",
                id="vendo.E007",
            )
        )
    return found


def _index(path: str, lineages: list[frozenset[str]]) -> int | None:
    """Return the place of the first class that is the one of a path, or a subclass of it."""
    return next((index for index, lineage in enumerate(lineages) if path in lineage), None)


def check_deployment(**_: Any) -> list[CheckMessage]:
    """Report what `--deploy` finds: placeholders (`vendo.W004`), a rejected key (`vendo.E008`), a
    backend that does not respond (`vendo.W005`), a replay store in the memory of each process
    (`vendo.W007`); `vendo.E004` and `vendo.E005` as Vendo has it.
    """
    if is_build():
        return [
            Warning(
                f"{BUILD_VARIABLE} is set: missing credentials are empty placeholders.",
                hint="Set it only where an image is built.",
                id="vendo.W004",
            )
        ]
    try:
        found = [*_local_store(), *(() if client().is_vendo_mode() else _closed_view())]
    except (ImproperlyConfigured, VendoError):
        found = []  # the checks above report it
    return [*found, *_reported_by_vendo()]


def _local_store() -> Iterator[CheckMessage]:
    if webhooks.is_alone(replay_store()) and f"{_VIEWS}.webhook" in project.routed_views():
        yield Warning(
            "Two processes may handle one webhook: the default cache is in memory or in files.",
            hint="Write VENDO = {'REDIS_URL': 'redis://…'}, or have CACHES use Redis or Memcached.",
            id="vendo.W007",
        )


def _reported_by_vendo() -> list[CheckMessage]:
    try:
        vendo = client()
        if not vendo.is_vendo_mode():
            return []
        vendo.connections.list()
        slugs = sorted(settings.template_tokens())
        printed = [slug for slug in slugs if not is_local(slug, vendo)]
        return [*_missing(vendo), *_secrets(vendo, printed)]
    except ImproperlyConfigured:
        return []
    except AuthError as error:
        return [_error(error, "vendo.E008")]
    except VendoError as error:
        return [Warning(error.message, hint=error.suggested_fix, id="vendo.W005")]


def _missing(vendo: Vendo) -> Iterator[CheckMessage]:
    for slug in settings.required():
        try:
            vendo.token(slug)
        except VendoError as error:
            if not is_missing(error):
                raise  # the backend failed, which is a message of its own
            text = f"VENDO['REQUIRED'] names {slug!r}. {error.message}"
            yield Error(text, hint=error.suggested_fix, id="vendo.E004")


def _secrets(vendo: Vendo, slugs: list[str]) -> Iterator[CheckMessage]:
    for slug in slugs:
        if _looks_secret(slug, vendo):
            yield Error(
                f"VENDO['TEMPLATE_TOKENS'] lets templates print the credential of {slug!r}, which "
                "looks like a secret.",
                hint="List only tokens that all may see, such as those that begin with pk. or pk_.",
                id="vendo.E005",
            )


def _error(error: VendoError, message_id: str) -> CheckMessage:
    return Error(error.message, hint=error.suggested_fix, id=message_id)


def _configuration_error(error: ImproperlyConfigured, message_id: str) -> CheckMessage:
    text, _, fix = str(error).removeprefix("vendo: ").partition(" Fix: ")
    return Error(text, hint=fix or None, id=message_id)


def _settings() -> Iterator[tuple[str, object]]:
    """Yield the project's own settings."""
    for name in dir(django_settings):
        if name.isupper() and django_settings.is_overridden(name):
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the project does not use a deprecated one here
                value = project.setting(name)
            yield name, value


def _masked_values(value: object, outer: tuple[int, ...] = ()) -> Iterator[MaskedStr]:
    # By type: to ask a lazy object for its class evaluates it.
    kind = type(value)
    if issubclass(kind, MaskedStr):
        yield cast("MaskedStr", value)
    elif id(value) in outer or not issubclass(kind, dict | list | tuple | set | frozenset):
        return
    else:
        inner: Any = dict.values(value) if isinstance(value, dict) else value
        for each in inner:
            yield from _masked_values(each, (*outer, id(value)))


def _looks_secret(slug: str, vendo: Vendo) -> bool:
    value = None
    try:
        value = MaskedStr(vendo.token(slug))
    except VendoError as error:
        if not (is_missing(error) or is_local(slug, vendo)):
            raise
    if value is not None and _PUBLIC.match(value):
        return False
    # The catalog lists what a server authenticates with.
    from vendo import integrations

    return bool(integrations.env_vars(slug)) or bool(value and _SECRET.match(value))


def _has_secret() -> bool:
    try:
        return has_webhook_secret(settings.webhook_secrets())
    except ImproperlyConfigured:
        return True  # check_setting reports it


def _has_proxy() -> bool:
    try:
        return sso.is_enabled()
    except VendoError:
        return False  # check_key reports it
