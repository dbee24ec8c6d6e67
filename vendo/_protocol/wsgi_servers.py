"""Which WSGI servers drop header names that they could confuse with others.

In a WSGI environ both `X-Vendo-User-Id` and `X_Vendo_User_Id` are `HTTP_X_VENDO_USER_ID`. A proxy
that removes the one lets the other pass. So an environ names a user only where the server drops
names with underscores.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: `SERVER_SOFTWARE` of such servers, with the first release that drops these names.
_SAFE = {"gunicorn": 22, "waitress": 0, "Werkzeug": 3, "gevent": 0}
_SOFTWARE = re.compile(r"(\w+)(?:/(\d+))?")
#: The inputs of Django's test client, and of its development server.
_DJANGO_INPUTS = {
    ("django.test.client", "FakePayload"),
    ("django.core.handlers.wsgi", "LimitedStream"),
}


def merging_server(headers: object) -> str | None:
    """Return the name of the server that may have merged names of these headers, or None.

    Args:
        headers: the headers of a request, of any type.
    """
    if _has_lost_its_server(headers):
        return "Django's request.headers"
    environ = getattr(headers, "environ", headers)  # that of Werkzeug's headers, and others'
    # Each server sets the version (PEP 3333).
    if not isinstance(environ, dict) or "wsgi.version" not in environ or _is_safe(environ):
        return None
    return str(environ.get("SERVER_SOFTWARE") or "this server")


def _is_safe(environ: Mapping[str, Any]) -> bool:
    # A client chooses keys that begin with HTTP_, and no others.
    if "mod_wsgi.version" in environ or environ.get("paste.testing"):
        return True
    body = type(environ.get("wsgi.input"))
    if (body.__module__, body.__name__) in _DJANGO_INPUTS:
        return True
    software = environ.get("SERVER_SOFTWARE")
    if software is None:
        # Werkzeug's test client, and Flask's. No server sets both without its own name.
        return "RAW_URI" in environ and "REQUEST_URI" in environ
    found = _SOFTWARE.match(software)
    return found is not None and int(found[2] or 0) >= _SAFE.get(found[1], 1_000_000)


def _has_lost_its_server(headers: object) -> bool:
    """True for a copy of an environ's headers that does not lead back to it."""
    cls = type(headers)
    return (cls.__module__, cls.__name__) == ("django.http.request", "HttpHeaders")
