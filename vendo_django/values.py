"""`token` and `tokens`: credentials as plain values, in `settings.py` and wherever else."""

from __future__ import annotations

import os
from typing import Final, TypeVar, overload

from django.core.exceptions import ImproperlyConfigured

import vendo
from vendo.errors import NotConnected, ValidationError, VendoError
from vendo_django.masked import MaskedStr

TYPE_CHECKING = False
if TYPE_CHECKING:
    _Default = TypeVar("_Default")

BUILD_VARIABLE: Final = "VENDO_DJANGO_BUILD"

_REQUIRED: Final = object()


def is_build() -> bool:
    """True while an image is built: what is missing is an empty placeholder then."""
    return os.environ.get(BUILD_VARIABLE, "").strip() == "1"


if TYPE_CHECKING:

    @overload
    def token(slug: str) -> MaskedStr: ...
    @overload
    def token(slug: str, default: _Default) -> MaskedStr | _Default: ...


def token(slug: str, default: object = _REQUIRED) -> object:
    """The credential of a provider, at once and as a value. Both modes.

    It is fit for `settings.py`: it needs no app, and is masked where settings are shown. The value
    stays as it is for the life of the process. A credential that expires is better asked for when
    it is needed, of `client()` or `request.vendo`; a system check says so.

    Args:
        slug: the provider, such as `"openai"`.
        default: what to return where there is none; without it that is an error.

    Raises:
        ImproperlyConfigured: there is no credential, or it cannot be had; the text says what to
            do. With `VENDO_DJANGO_BUILD=1` an empty placeholder is returned instead.
    """
    try:
        return _masked(slug, vendo.token(slug))
    except VendoError as error:
        failure = error
    if default is not _REQUIRED and _is_missing(failure):
        return default
    if is_build() and not isinstance(failure, ValidationError):
        return MaskedStr(slug=slug.lower())
    raise ImproperlyConfigured(_told(failure)) from None


def tokens(*slugs: str) -> dict[str, MaskedStr]:
    """The credentials of several providers by slug, in one request in Vendo mode. Both modes.

    Raises:
        ImproperlyConfigured: some are missing; the text names all of them, each with what to do.
            With `VENDO_DJANGO_BUILD=1` they are empty placeholders instead.
    """
    found: dict[str, str | None] = {}
    problems: list[str] = []
    try:
        found = vendo.tokens(slugs)
    except VendoError as error:
        if isinstance(error, ValidationError) or not is_build():
            problems.append(_told(error))
    else:
        missing = [slug for slug, value in found.items() if value is None]
        if not is_build():
            problems = [problem for slug in missing if (problem := _problem(slug, found))]
    if problems:
        raise ImproperlyConfigured("\n".join(problems))
    return {
        slug: MaskedStr(slug=slug.lower()) if value is None else _masked(slug, value)
        for slug, value in ((slug, found.get(slug)) for slug in slugs)
    }


def _is_missing(error: VendoError) -> bool:
    """True where there is no credential; False where one may be there and is not to be had now."""
    return isinstance(error, NotConnected) or error.code == "provider_unknown"


def _problem(slug: str, found: dict[str, str | None]) -> str | None:
    """Why there is no credential: the answer for several at once does not say."""
    try:
        found[slug] = vendo.token(slug)  # it may have been connected in between
    except VendoError as error:
        return _told(error)
    return None


def _masked(slug: str, value: str) -> MaskedStr:
    from vendo.web import token_expires

    return MaskedStr(value, slug=slug.lower(), expires=token_expires(slug))


def _told(error: VendoError) -> str:
    """An error for whoever reads it where Django prints it."""
    return f"vendo: {error}"
