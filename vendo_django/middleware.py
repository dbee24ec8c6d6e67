"""Middleware for WSGI and ASGI: `request.vendo`, `request.vendo_identity`, and signing in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from hashlib import sha256

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.contrib import auth
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest, HttpResponseBase

from vendo import VendoError, VendoIdentity, sso
from vendo_django import answers, conf
from vendo_django.clients import RequestClient
from vendo_django.masked import MaskedStr
from vendo_django.requests import JWT_KEY, VendoHttpRequest, sent_headers

TYPE_CHECKING = False
if TYPE_CHECKING:  # a project need not have this app
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser


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
    """Gives each request its client and its person, and answers vendo's errors if told to.

    `request.vendo` is made when it is first used. See `VendoHttpRequest` for both attributes. With
    `VENDO["ERRORS"]` a view may leave vendo's errors unhandled: a missing connection becomes 424,
    or for a browser a redirect to where it can be made; a rate limit 429; and so on.
    """

    def __call__(self, request: VendoHttpRequest) -> object:
        """The response, or what is to be awaited for it."""
        # Set without more ado than this: most requests use neither.
        request.vendo = RequestClient(request)  # type: ignore[assignment]  # stands in for it
        request.vendo_identity = sso.identity_from_headers(sent_headers(request))
        jwt = request.META.get(JWT_KEY)
        if jwt is not None:
            # Debug pages and reports of errors print the headers of the request.
            request.META[JWT_KEY] = MaskedStr(jwt)
        return self.get_response(request)

    def process_exception(
        self, request: HttpRequest, exception: Exception
    ) -> HttpResponseBase | None:
        """The answer to one of vendo's errors, where `VENDO["ERRORS"]` asks for it."""
        if isinstance(exception, VendoError) and conf.answers_errors():
            return answers.response_to(request, exception)
        return None


class VendoIdentityMiddleware(_Middleware):
    """Signs in the person whom the platform's proxy names, and signs them out with it.

    It takes its place after `AuthenticationMiddleware` and `VendoMiddleware`, with
    `VendoIdentityBackend` among the `AUTHENTICATION_BACKENDS`. Where the proxy is not in front
    (`VENDO_AUTH=1`), it does nothing but sign out whom it had signed in.
    """

    def __call__(self, request: VendoHttpRequest) -> object:
        """The response, or what is to be awaited for it."""
        if not hasattr(request, "vendo_identity") or not hasattr(request, "user"):
            raise ImproperlyConfigured(
                "vendo: VendoIdentityMiddleware stands before "
                f"{'VendoMiddleware' if hasattr(request, 'user') else 'AuthenticationMiddleware'}, "
                "or that one is missing: in MIDDLEWARE its place is after both."
            )
        if request.vendo_identity is None and settings.SESSION_COOKIE_NAME not in request.COOKIES:
            # Nobody comes and nobody can leave. Looking into the session would make the response
            # vary by cookie, and keep it out of caches.
            return self.get_response(request)
        if self._is_async:
            return self._respond(request)
        self._sign_in(request)
        return self.get_response(request)

    async def _respond(self, request: VendoHttpRequest) -> object:
        await self._asign_in(request)
        response: Awaitable[object] = self.get_response(request)  # type: ignore[assignment]  # under ASGI
        return await response

    def _sign_in(self, request: VendoHttpRequest) -> None:
        identity, session = request.vendo_identity, request.session
        is_ours = _is_ours(session.get(auth.BACKEND_SESSION_KEY))
        if identity is None:
            if is_ours:
                auth.logout(request)
        elif not is_ours or session.get(_IDENTITY_KEY) != _digest(identity):
            user = auth.authenticate(request, vendo_identity=identity)
            if user is not None:
                auth.login(request, user)
                request.session[_IDENTITY_KEY] = _digest(identity)
            elif is_ours:
                auth.logout(request)

    async def _asign_in(self, request: VendoHttpRequest) -> None:
        identity, session = request.vendo_identity, request.session
        is_ours = _is_ours(await session.aget(auth.BACKEND_SESSION_KEY))
        if identity is None:
            if is_ours:
                await _alogout(request)
        elif not is_ours or await session.aget(_IDENTITY_KEY) != _digest(identity):
            user = await auth.aauthenticate(request, vendo_identity=identity)
            if user is not None:
                await auth.alogin(request, user)
                _set_auser(request)
                await request.session.aset(_IDENTITY_KEY, _digest(identity))
            elif is_ours:
                await _alogout(request)


async def _alogout(request: HttpRequest) -> None:
    await auth.alogout(request)
    _set_auser(request)


def _set_auser(request: HttpRequest) -> None:
    """Make `request.auser()` agree with `request.user`: before 6.0 Django sets the latter alone."""

    async def auser() -> AbstractBaseUser | AnonymousUser:
        return request.user

    request.auser = auser


#: In the session: whom the middleware signed in. As long as it is the same person, with the same
#: name and role, a request costs no query.
_IDENTITY_KEY = "_vendo_identity"


def _digest(identity: VendoIdentity) -> str:
    parts = (
        identity.user_id,
        identity.tenant_id,
        identity.email,
        identity.name,
        identity.role,
    )
    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _is_ours(path: str | None) -> bool:
    """True where a backend of ours signed the person in."""
    if not path or path not in settings.AUTHENTICATION_BACKENDS:
        return False
    from vendo_django.backends import VendoIdentityBackend

    return isinstance(auth.load_backend(path), VendoIdentityBackend)
