"""`vendo_identity`: the user of the current request whom the platform's proxy names."""

from __future__ import annotations

from flask import Request, Response
from werkzeug.local import LocalProxy

import vendo
from vendo import IdentityNotPresent, sso
from vendo.web import VARY_ON_IDENTITY
from vendo_flask import settings
from vendo_flask.context import current_request, this_app

TYPE_CHECKING = False


class CurrentIdentity(LocalProxy["vendo.VendoIdentity | None"]):
    """The type of `vendo_identity`: the signed-in user; false where there is none.

    Its attributes are those of `VendoIdentity`; where no user is signed in they raise
    `IdentityNotPresent`. Call it for the `VendoIdentity` itself, or None.
    """

    if TYPE_CHECKING:
        user_id: str
        email: str
        name: str
        tenant_id: str
        role: str

    def __call__(self) -> vendo.VendoIdentity | None:
        """Return the signed-in user, or None.

        Raises:
            RuntimeError: no request is active.
        """
        return self._get_current_object()

    if not TYPE_CHECKING:  # which would make every attribute known to a type checker

        def __getattr__(self, name: str) -> object:
            identity = self._get_current_object()
            if identity is None and name in vendo.VendoIdentity.__slots__:
                raise IdentityNotPresent(
                    "identity_not_present",
                    "No user is signed in.",
                    suggested_fix="Test `if vendo_identity:` before you use its attributes.",
                )
            return getattr(identity, name)


#: The attribute of a request with the headers that its response depends on.
_USED = "_vendo_used_headers"


def used_headers(request: Request) -> dict[str, None]:
    """Return the headers of the user that a request's response depends on: add to them."""
    used: dict[str, None] = request.__dict__.setdefault(_USED, {})
    return used


def add_vary(response: Response) -> Response:
    """Say in `Vary` that a response depends on the user, where it does."""
    request = current_request()
    if request is not None:
        response.vary.update(used_headers(request))
    return response


def identity_of(request: Request) -> vendo.VendoIdentity | None:
    """Return the signed-in user of a request, or None. The response then varies on them."""
    if not sso.is_enabled():
        return None
    used_headers(request).update(dict.fromkeys(VARY_ON_IDENTITY))
    trust = settings.trusts_wsgi_headers(this_app())
    return sso.identity_from_headers(request.environ, trust_wsgi_headers=trust)


def _identity() -> vendo.VendoIdentity | None:
    request = current_request()
    if request is None:
        raise RuntimeError("vendo_identity needs a request. Use it in a view.")
    return identity_of(request)


#: The signed-in user of the current request; false where no user is signed in, and always false
#: without the platform's proxy (`VENDO_AUTH=1`).
vendo_identity: CurrentIdentity = CurrentIdentity(_identity)
