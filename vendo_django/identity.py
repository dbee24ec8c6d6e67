"""The user whom the platform's proxy names: the headers that name them, and signing them in."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, TypeAlias, TypeVar

from django.conf import settings
from django.contrib import auth
from django.http import HttpRequest

import vendo
from vendo import sso
from vendo.web import VARY_ON_CLIENT, VARY_ON_IDENTITY

TYPE_CHECKING = False
if TYPE_CHECKING:  # a project need not have this app
    from django.contrib.auth.models import AbstractBaseUser, AnonymousUser

_View = TypeVar("_View", bound=Callable[..., Any])
#: `request.META`, or the pairs of bytes of an ASGI scope.
SentHeaders: TypeAlias = dict[str, Any] | list[tuple[bytes, bytes]]

#: In the session: the digest of the identity that was signed in. As long as the user has the same
#: name and role, a request costs no query.
_SESSION_KEY = "_vendo_identity"


def sent_headers(request: HttpRequest) -> SentHeaders:
    """Return the headers that identify a request's user, as they were sent.

    Under ASGI older releases of Django read `x_vendo_user_id` as `X-Vendo-User-Id`. A proxy that
    strips the one lets the other pass, so it must not count. WSGI servers leave such names out.
    """
    return list(request.scope["headers"]) if hasattr(request, "scope") else request.META


#: The attribute of a request with the headers that its response depends on.
_USED = "_vendo_used_headers"


def vary_on_identity(view: _View) -> _View:
    """Decorate a view so that its responses vary on the user: for views below `cache_page`.

    `cache_page` looks at `Vary` before `VendoMiddleware` can add to it.

    Args:
        view: a view, which may be async.

    Returns:
        The view, which sets `Vary`.

    Example:
        ```python
        from django.conf import settings
        from django.http import HttpResponse
        from django.test import RequestFactory
        from django.views.decorators.cache import cache_page

        from vendo_django import vary_on_identity

        settings.configure(ALLOWED_HOSTS=["testserver"])

        @cache_page(60)
        @vary_on_identity
        def account(request):
            return HttpResponse("Hello")

        print(account(RequestFactory().get("/")).headers["Vary"])
        ```
    """
    from django.views.decorators.vary import vary_on_headers  # few projects need it

    names = dict.fromkeys((*VARY_ON_IDENTITY, *VARY_ON_CLIENT))
    varying: _View = vary_on_headers(*names)(view)
    return varying


def used_headers(request: HttpRequest) -> dict[str, None]:
    """Return the headers of the user that a request's response depends on: add to them."""
    # Not out of `__dict__`: a request of Django REST framework has the attributes of Django's.
    used: dict[str, None] | None = getattr(request, _USED, None)
    if used is None:
        used = {}
        setattr(request, _USED, used)
    return used


def identity_of(request: HttpRequest) -> vendo.VendoIdentity | None:
    """Return the signed-in user of a request, or None. The response then varies on them."""
    if not sso.is_enabled():
        return None
    from vendo_django import settings as vendo_settings

    used_headers(request).update(dict.fromkeys(VARY_ON_IDENTITY))
    return sso.identity_from_headers(
        sent_headers(request), trust_wsgi_headers=vendo_settings.trusts_wsgi_headers()
    )


def sign_in(request: HttpRequest, identity: vendo.VendoIdentity | None) -> None:
    """Sign in the user of an identity, and sign out one that was signed in for a former identity.

    Without an identity, sign out the user that this function signed in.
    """
    is_ours = _is_ours(request.session.get(auth.BACKEND_SESSION_KEY))
    if identity is None:
        if is_ours:
            auth.logout(request)
    elif not is_ours or request.session.get(_SESSION_KEY) != _digest(identity):
        user = auth.authenticate(request, vendo_identity=identity)
        if user is not None:
            auth.login(request, user)
            request.session[_SESSION_KEY] = _digest(identity)
        elif is_ours:
            auth.logout(request)


async def asign_in(request: HttpRequest, identity: vendo.VendoIdentity | None) -> None:
    """Do the same under ASGI."""
    is_ours = _is_ours(await request.session.aget(auth.BACKEND_SESSION_KEY))
    if identity is None:
        if is_ours:
            await _alogout(request)
    elif not is_ours or await request.session.aget(_SESSION_KEY) != _digest(identity):
        user = await auth.aauthenticate(request, vendo_identity=identity)
        if user is not None:
            await auth.alogin(request, user)
            _set_auser(request)
            await request.session.aset(_SESSION_KEY, _digest(identity))
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


def _digest(identity: vendo.VendoIdentity) -> str:
    parts = (
        identity.user_id,
        identity.tenant_id,
        identity.email,
        identity.name,
        identity.role,
    )
    return sha256("\0".join(parts).encode("utf-8", "surrogateescape")).hexdigest()


def _is_ours(path: str | None) -> bool:
    """Return True where a `VendoIdentityBackend` signed the user in."""
    if not path or path not in settings.AUTHENTICATION_BACKENDS:
        return False
    from vendo_django.backends import VendoIdentityBackend

    return isinstance(auth.load_backend(path), VendoIdentityBackend)
