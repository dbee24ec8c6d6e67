"""The project's own link that leads a user to connect a provider, and who may follow it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import lru_cache
from inspect import isawaitable
from typing import Any
from urllib.parse import urlencode

from asgiref.sync import async_to_sync
from django.core.exceptions import ImproperlyConfigured, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest
from django.urls import (
    NoReverseMatch,
    URLPattern,
    URLResolver,
    get_resolver,
    get_script_prefix,
    reverse,
)

from vendo import VendoError
from vendo.web import (
    argument_sets,
    check_may_connect,
    current_page,
    nearest_link,
    why_blocked,
)
from vendo_django import settings
from vendo_django.clients import client
from vendo_django.identity import identity_of

#: The view, as a URL pattern calls it.
_VIEW = "vendo_django.views.connect"


def check_connect(request: HttpRequest, slug: str) -> None:
    """Let the user of a request connect a provider, or raise.

    Raises:
        IdentityNotPresent: the user has to sign in first.
        ConnectForbidden: the user may not.
        ImproperlyConfigured: `MAY_CONNECT` or `CONNECT_PERMISSION` is malformed.
    """
    check_may_connect(
        client(), slug, allowed=_is_allowed(request, slug), identity=identity_of(request)
    )


def why_not(request: HttpRequest, slug: str) -> VendoError | None:
    """Return why the user of a request may not connect a provider, or None."""
    try:
        check_connect(request, slug)
    except Exception as error:  # noqa: BLE001  # the project's rule may raise anything
        return why_blocked(error, slug, denials=(PermissionDenied, Http404, SuspiciousOperation))
    return None


def _is_allowed(request: HttpRequest, slug: str) -> object:
    """Return what the project says, or `Ellipsis` where it says nothing."""
    permission, function = settings.connect_permission(), settings.may_connect()
    if permission is not None:
        user = getattr(request, "user", None)
        if user is None:
            raise ImproperlyConfigured(
                "vendo: CONNECT_PERMISSION needs request.user. Fix: add "
                "'django.contrib.auth.middleware.AuthenticationMiddleware' to MIDDLEWARE."
            )
        return bool(user.has_perm(permission))
    return ... if function is None else _called(function, request, slug)


def _called(function: Callable[..., Any], *arguments: object) -> Any:
    result = function(*arguments)
    if not isawaitable(result):
        return result

    async def awaited() -> Any:
        return await result

    return async_to_sync(awaited)()


def connect_link(slug: str, request: HttpRequest | None = None) -> str | None:
    """Return the link to the view `connect`, which contains no key.

    Args:
        slug: the provider.
        request: the user comes back to the page that they are on in this request.

    Returns:
        A path; None where the project's URLs do not have the view.
    """
    link = nearest_link(_links(slug, request), request.path if request else "")
    if link is None or request is None:
        return link
    return f"{link}?{urlencode({'next': _page_of(request)})}"


def _links(slug: str, request: HttpRequest | None) -> Iterator[str]:
    match = getattr(request, "resolver_match", None)
    captured, space = (match.kwargs, match.namespace) if match else ({}, None)
    urlconf = getattr(request, "urlconf", None)
    for name in _names(get_resolver(urlconf)):
        for arguments in argument_sets(slug, captured):
            try:
                yield reverse(name, urlconf, kwargs=arguments, current_app=space)
                break
            except NoReverseMatch:
                pass


@lru_cache(maxsize=16)
def _names(resolver: URLResolver) -> tuple[str, ...]:
    """Return the names of the view, whatever namespaces its URLs are included in.

    They are kept: a project may have hundreds of URLs, and a page several buttons.
    """
    return tuple(_nested_names(resolver.url_patterns, ""))


def _nested_names(patterns: list[Any], prefix: str) -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            space = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from _nested_names(pattern.url_patterns, prefix + space)
        elif isinstance(pattern, URLPattern) and pattern.lookup_str == _VIEW:
            yield f"{prefix}{pattern.name}"


def _page_of(request: HttpRequest) -> str:
    return current_page(
        request.method,
        request.get_full_path(),
        request.headers.get,
        own_host=request.get_host(),
        home=get_script_prefix(),
    )
