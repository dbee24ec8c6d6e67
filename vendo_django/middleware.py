"""Middleware for WSGI and ASGI: `request.vendo`, `request.vendo_identity`, and signing in.

What a request that uses nothing does not need is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase

import vendo as _vendo  # the request has an attribute `vendo`
from vendo import VendoError, sso, web
from vendo_django.identity import asign_in, sent_headers, sign_in
from vendo_django.lazy import RequestClient


class VendoHttpRequest(HttpRequest):
    """A request behind `VendoMiddleware`, for annotations.

    Attributes:
        vendo: the client. If the request carries a user's JWT, it acts for that user.
        vendo_identity: the signed-in user, or None; always None without the platform's proxy
            (`VENDO_AUTH=1`).
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


class VendoMiddleware(_Middleware):
    """Give each request its client and its user, and handle vendo's errors if the settings say so.

    `request.vendo` is made when it is first used. See `VendoHttpRequest` for both attributes. With
    `VENDO["ERRORS"]` a view may leave vendo's errors unhandled: a missing connection becomes 424,
    or for a browser a redirect to where the user connects it; a rate limit 429; and so on.
    """

    def __call__(self, request: VendoHttpRequest) -> object:
        """Return the response, or what to await for it."""
        request.vendo = RequestClient(request)  # type: ignore[assignment]  # a proxy
        request.vendo_identity = sso.identity_from_headers(sent_headers(request))
        jwt = request.META.get(web.JWT_ENVIRON_KEY)
        if jwt is not None:
            from vendo_django.masked import MaskedStr

            request.META[web.JWT_ENVIRON_KEY] = MaskedStr(jwt)
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """Return the response to one of vendo's errors, where `VENDO["ERRORS"]` is True."""
        if not isinstance(exception, VendoError):
            return None
        from vendo_django import errors, settings

        return errors.handle_error(request, exception) if settings.handles_errors() else None


class VendoIdentityMiddleware(_Middleware):
    """Sign in the user whom the platform's proxy names, and sign them out with it.

    Its place is after `AuthenticationMiddleware` and `VendoMiddleware`, with `VendoIdentityBackend`
    among the `AUTHENTICATION_BACKENDS`. Without the proxy (`VENDO_AUTH=1`) it only signs out users
    that it signed in.
    """

    def __call__(self, request: VendoHttpRequest) -> object:
        """Return the response, or what to await for it."""
        if not hasattr(request, "vendo_identity") or not hasattr(request, "user"):
            needed = "VendoMiddleware" if hasattr(request, "user") else "AuthenticationMiddleware"
            raise ImproperlyConfigured(
                f"vendo: VendoIdentityMiddleware comes before {needed}, or {needed} is missing. "
                f"Put it after {needed} in MIDDLEWARE."
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
