"""Middleware for WSGI and ASGI: `request.vendo`, `request.vendo_identity`, and signing in.

What a request that uses nothing does not need is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase

import vendo as _vendo  # the request has an attribute `vendo`
from vendo import VendoError, web
from vendo_django.identity import asign_in, identity_of, sign_in, used_headers
from vendo_django.lazy import RequestClient


class VendoHttpRequest(HttpRequest):
    """Annotate a request behind `VendoMiddleware`.

    Attributes:
        vendo: the client. If the request carries a user's JWT, it acts for that user.
        vendo_identity: the signed-in user, or None; always None without the platform's proxy
            (`VENDO_AUTH=1`).

    Example:
        ```python
        from django.http import HttpResponse

        from vendo_django import VendoHttpRequest

        def mail(request: VendoHttpRequest) -> HttpResponse:
            profile = request.vendo.session("gmail").get("/gmail/v1/users/me/profile")
            return HttpResponse(profile.json()["emailAddress"])
        ```
    """

    vendo: _vendo.Vendo
    vendo_identity: _vendo.VendoIdentity | None


class _Middleware:
    """Runs under WSGI and ASGI, with views of both kinds, without a thread in between."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], object]) -> None:
        self.get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        if self._is_async:
            markcoroutinefunction(self)  # type: ignore[type-var]  # an object that is called

    def __repr__(self) -> str:
        return f"<{type(self).__qualname__}>"


@cache
def _with_identity(cls: type[HttpRequest]) -> type[HttpRequest]:
    """Return a class of requests that looks for the user when they are used first.

    So that only such responses vary on the user.
    """
    if "vendo_identity" in cls.__dict__:  # a request that has been here
        return cls

    def get(request: HttpRequest) -> _vendo.VendoIdentity | None:
        try:
            found: _vendo.VendoIdentity | None = request.__dict__["_vendo_identity"]
        except KeyError:
            found = request.__dict__["_vendo_identity"] = identity_of(request)
        return found

    def put(request: HttpRequest, identity: _vendo.VendoIdentity | None) -> None:
        request.__dict__["_vendo_identity"] = identity

    members = {"vendo_identity": property(get, put), "__module__": cls.__module__}
    return type(cls.__name__, (cls,), members)


class VendoMiddleware(_Middleware):
    """Give each request its client and its user, and handle vendo's errors if you set that.

    `request.vendo` and `request.vendo_identity` are made when they are first used; see
    `VendoHttpRequest`. The response then has a `Vary` for it. With `VENDO["ERRORS"]` a view may
    leave vendo's errors unhandled: a missing connection becomes 424, for a browser a page with a
    button to connect it; a rate limit 429; and so on. Both modes, WSGI and ASGI.

    Args:
        get_response: the next middleware, which Django passes.

    Example:
        ```python
        import django
        from django.conf import settings
        from django.http import JsonResponse
        from django.test import Client
        from django.urls import path

        def mail(request):
            gmail = request.vendo.session("gmail")
            return JsonResponse(gmail.get("/gmail/v1/users/me/profile").json())

        urlpatterns = [path("mail/", mail)]
        settings.configure(
            ALLOWED_HOSTS=["testserver"],
            MIDDLEWARE=["vendo_django.middleware.VendoMiddleware"],
            ROOT_URLCONF=__name__,
        )
        django.setup()
        print(Client().get("/mail/").json()["emailAddress"])
        ```
    """

    def __call__(self, request: VendoHttpRequest) -> object:
        """Return the response, or what to await for it."""
        request.__class__ = _with_identity(type(request))  # type: ignore[assignment, arg-type]
        used = used_headers(request)
        request.vendo = RequestClient(request, used)  # type: ignore[assignment]  # a proxy
        if web.JWT_ENVIRON_KEY in request.META:
            from vendo_django.masked import MaskedStr

            if hasattr(request, "scope"):
                web.mask_jwt_of_scope(request.scope)
            request.META[web.JWT_ENVIRON_KEY] = MaskedStr(request.META[web.JWT_ENVIRON_KEY])
            request.__dict__.pop("headers", None)  # a copy, where an earlier middleware read them
        if self._is_async:
            return self._respond(request, used)
        return _varied(self.get_response(request), used)

    async def _respond(self, request: VendoHttpRequest, used: dict[str, None]) -> object:
        response: Awaitable[object] = self.get_response(request)  # type: ignore[assignment]  # under ASGI
        return _varied(await response, used)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Return the response to one of vendo's errors, where `VENDO["ERRORS"]` is True."""
        if not isinstance(exception, VendoError):
            return None
        from vendo_django import errors, settings

        return errors.handle_error(request, exception) if settings.handles_errors() else None


def _varied(response: Any, used: dict[str, None]) -> Any:
    if used:
        from django.utils.cache import patch_vary_headers

        patch_vary_headers(response, list(used))
    return response


class VendoIdentityMiddleware(_Middleware):
    """Sign in the user whom the platform's proxy names, and sign them out with it.

    Its place is after `AuthenticationMiddleware` and `VendoMiddleware`, with `VendoIdentityBackend`
    among the `AUTHENTICATION_BACKENDS`. Without the proxy (`VENDO_AUTH=1`) it only signs out users
    that it signed in.

    Args:
        get_response: the next middleware, which Django passes.

    Raises:
        ImproperlyConfigured: of a request, where it is not after the two other middleware.

    Example:
        ```python
        AUTHENTICATION_BACKENDS = ["vendo_django.backends.VendoIdentityBackend"]
        MIDDLEWARE = [
            "django.contrib.sessions.middleware.SessionMiddleware",
            "django.contrib.auth.middleware.AuthenticationMiddleware",
            "vendo_django.middleware.VendoMiddleware",
            "vendo_django.middleware.VendoIdentityMiddleware",
        ]
        ```
    """

    def __call__(self, request: VendoHttpRequest) -> object:
        """Return the response, or what to await for it."""
        if not hasattr(request, "vendo_identity") or not hasattr(request, "user"):
            needed = "VendoMiddleware" if hasattr(request, "user") else "AuthenticationMiddleware"
            raise ImproperlyConfigured(
                f"vendo: VendoIdentityMiddleware comes before {needed}, or {needed} is missing. "
                f"Fix: put it after {needed} in MIDDLEWARE."
            )
        if (
            request.vendo_identity is None
            and django_settings.SESSION_COOKIE_NAME not in request.COOKIES
        ):
            # No user to sign in or out. Reading the session would make the response vary by
            # cookie, and keep it out of caches.
            return self.get_response(request)
        if self._is_async:
            return self._respond(request)
        sign_in(request, request.vendo_identity)
        return self.get_response(request)

    async def _respond(self, request: VendoHttpRequest) -> object:
        await asign_in(request, request.vendo_identity)
        response: Awaitable[object] = self.get_response(request)  # type: ignore[assignment]  # under ASGI
        return await response
