"""`token` and `tokens`: credentials as plain values, for `settings.py`.

Not `tokens.py`: a submodule of that name would take the place of the function `tokens`.
"""

from __future__ import annotations

import os
from typing import Final, TypeVar, overload

from django.core.exceptions import ImproperlyConfigured

import vendo
from vendo import web
from vendo.errors import ValidationError, VendoError
from vendo_django.masked import MaskedStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    _Default = TypeVar("_Default")

BUILD_VARIABLE: Final = "VENDO_DJANGO_BUILD"

_REQUIRED: Final = object()


def is_build() -> bool:
    """Return True while an image is built: a missing credential is an empty placeholder then."""
    return _build_flag() == "1"


def _build_flag() -> str:
    return os.environ.get(BUILD_VARIABLE, "").strip()


def is_placeholder_for(error: VendoError) -> bool:
    """Return True where a placeholder stands for a credential: in a build, unless it is malformed.

    Secrets in files are mounted where the image runs.
    """
    return is_build() and (not isinstance(error, ValidationError) or web.is_missing_file(error))


if TYPE_CHECKING:

    @overload
    def token(slug: web.Slug | str) -> MaskedStr: ...
    @overload
    def token(slug: web.Slug | str, default: _Default) -> MaskedStr | _Default: ...


def token(slug: web.Slug | str, default: object = _REQUIRED) -> object:
    """Return the credential of a provider as a plain value. Both modes.

    For `settings.py`: it needs no app, and the value is masked where settings are shown. The value
    stays the same for the life of the process. Get a credential that expires when it is needed,
    from `client()` or `request.vendo`; a system check warns of one in a setting.

    Args:
        slug: the provider, such as `"openai"`.
        default: what to return where the credential is missing; without it that is an error.

    Returns:
        The credential, a `str` whose `repr` is masked; or the default.

    Raises:
        ImproperlyConfigured: the credential is missing, or not available now; the text ends with
            what to do. With `VENDO_DJANGO_BUILD=1` an empty placeholder is returned instead.

    Example:
        ```python
        from vendo_django import token

        OPENAI_API_KEY = token("openai")
        SENTRY_DSN = token("acme-sentry", default="")  # "" where it is missing
        ```
    """
    try:
        if default is _REQUIRED:
            return _masked(slug, vendo.token(slug))
        found = vendo.token(slug, default=None)
        return default if found is None else _masked(slug, found)
    except VendoError as error:
        failure = error
    if is_placeholder_for(failure):
        return MaskedStr(slug=slug.lower())
    raise ImproperlyConfigured(_text(failure)) from None


def tokens(*slugs: web.Slug | str) -> dict[str, MaskedStr]:
    """Return the credentials of several providers by slug. Both modes.

    In Vendo mode this is one request.

    Args:
        slugs: the providers.

    Returns:
        The credentials by slug, as `token` returns them.

    Raises:
        ImproperlyConfigured: some are missing; the text names all of them, each with what to do.
            With `VENDO_DJANGO_BUILD=1` they are empty placeholders instead.

    Example:
        ```python
        from vendo_django import tokens

        found = tokens("openai", "stripe")
        OPENAI_API_KEY, STRIPE_KEY = found["openai"], found["stripe"]
        ```
    """
    found: dict[str, MaskedStr] = {}
    problems: list[str] = []
    try:
        found = {
            slug: _masked(slug, value)
            for slug, value in vendo.tokens(slugs).items()
            if value is not None
        }
    except VendoError as error:
        if not is_placeholder_for(error):
            problems.append(_text(error))
    else:
        for slug in slugs:
            if slug not in found and not is_build():
                problems += _reasons(slug, found)
    if problems:
        raise ImproperlyConfigured("\n".join(problems))
    return {slug: found.get(slug, MaskedStr(slug=slug.lower())) for slug in slugs}


def _reasons(slug: str, found: dict[str, MaskedStr]) -> list[str]:
    """Return why a credential is missing: the response for several does not contain it.

    A provider that was connected meanwhile is added to `found`.
    """
    try:
        found[slug] = _masked(slug, vendo.token(slug))
    except VendoError as error:
        return [_text(error)]
    return []


def _masked(slug: str, value: str) -> MaskedStr:
    return MaskedStr(value, slug=slug.lower(), expires=web.token_expires(slug))


def _text(error: VendoError) -> str:
    text = f"vendo: {error}"
    if _build_flag() not in {"", "0", "1"}:
        text += f" {BUILD_VARIABLE} is neither 1 nor 0: to build an image, set {BUILD_VARIABLE}=1."
    return text
