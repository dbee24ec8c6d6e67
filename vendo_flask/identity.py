"""`vendo_identity`: the user of the current request whom the platform's proxy names."""

from __future__ import annotations

from functools import partial
from itertools import chain

from flask import Flask, Request, Response, after_this_request
from werkzeug.local import LocalProxy

import vendo
from vendo import IdentityNotPresent, sso
from vendo.web import VARY_ON_IDENTITY, mask_jwt
from vendo_flask import settings
from vendo_flask.context import current_request, this_app

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment


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


def mask_jwts(app: Flask) -> None:
    """Mask the user's JWT in the environ of each request, before anything else sees it."""
    inner = app.wsgi_app

    def masking(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        mask_jwt(environ)
        return inner(environ, start_response)

    app.wsgi_app = masking  # type: ignore[method-assign]  # as Flask has its middleware added


#: The attribute of a request with the headers that its response depends on.
_USED = "_vendo_used_headers"


def vary_on(request: Request, names: tuple[str, ...]) -> None:
    """Have the response to the current request say in `Vary` that it depends on the user."""
    used: list[tuple[str, ...]] | None = request.__dict__.get(_USED)
    if used is None:
        used = request.__dict__[_USED] = []
        after_this_request(partial(_add_vary, used))
    if names not in used:
        used.append(names)


def _add_vary(used: list[tuple[str, ...]], response: Response) -> Response:
    names = used[0] if len(used) == 1 else tuple(dict.fromkeys(chain(*used)))
    if response.headers.get("Vary") is None:
        response.headers["Vary"] = ", ".join(names)  # several times as fast
    else:
        response.vary.update(names)
    return response


def identity_of(request: Request) -> vendo.VendoIdentity | None:
    """Return the signed-in user of a request, or None. The response then varies on them."""
    if not sso.is_enabled():
        return None
    vary_on(request, VARY_ON_IDENTITY)
    trust = settings.trusts_wsgi_headers(this_app())
    return sso.identity_from_headers(request.environ, trust_wsgi_headers=trust)


def _identity() -> vendo.VendoIdentity | None:
    request = current_request()
    if request is None:
        raise RuntimeError("vendo_identity needs a request. Fix: use it in a view.")
    return identity_of(request)


vendo_identity: CurrentIdentity = CurrentIdentity(_identity)
"""The signed-in user of the current request, with the attributes of a `VendoIdentity`. Both modes.

It is false where no user is signed in, and always false without the platform's proxy
(`VENDO_AUTH=1`); its attributes then raise `IdentityNotPresent`. Call it to get the `VendoIdentity`
or None. Outside of requests it raises `RuntimeError`.

Example:
    ```python
    from flask import Flask

    from vendo_flask import FlaskVendo, vendo_identity

    app = Flask(__name__)
    FlaskVendo(app)

    @app.get("/")
    def home():
        return f"Hello {vendo_identity.name}" if vendo_identity else "Hello"

    print(app.test_client().get("/").text)
    ```
"""
