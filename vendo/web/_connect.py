"""The way of a user who connects a provider: from the application to Vendo's page, and back.

The state that travels along is signed with the API key, so that any process of the deployment can
check it, and is tied to the user's browser by a random cookie.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, TypedDict
from urllib.parse import urlsplit

from vendo import errors
from vendo._client.base import BaseClient
from vendo._config.slugs import checked_slug
from vendo.errors import invalid
from vendo.web._error_responses import prefers_html
from vendo.web._identity import require_sign_in

#: The cookie's name. Frameworks mask a cookie with `token` in its name.
CONNECT_COOKIE = "vendo_connect_token"
#: Seconds that a user has to come back.
CONNECT_SECONDS = 3600

_COOKIE = re.compile(r"[A-Za-z0-9_-]{32}")


def checked_next(address: str | None, own_hosts: Collection[str]) -> str:
    """Return where a user goes on to: a path of the application, or an address on its own hosts.

    Args:
        address: what the request asks for; empty stands for `/`.
        own_hosts: the application's hosts as in addresses, with the port if there is one.

    Raises:
        ValidationError: it leads elsewhere.
    """
    if not address:
        return "/"
    if address.isprintable() and "\\" not in address:
        if address.startswith("/") and not address.startswith("//"):
            return address
        try:
            parts = urlsplit(address)
        except ValueError:
            parts = None
        if (
            parts is not None
            and parts.scheme in {"http", "https"}
            and parts.netloc.lower() in {host.lower() for host in own_hosts}
        ):
            return address
    raise invalid(
        "next= leads to another host than the application's.",
        fix="Give a path such as /settings, or an address on the application's own host.",
    )


def current_page(
    method: str | None, address: str, *, accept: str | None, referer: str | None, own_host: str
) -> str:
    """Return the page that the user of a request is on, for coming back to it.

    That is the request's own address where a browser loads a page, else the page that sent the
    request.

    Args:
        method: the request's method; None for a WebSocket.
        address: the request's path and query.
        accept: its `Accept` header.
        referer: its `Referer` header.
        own_host: the application's host as in addresses.
    """
    is_read = method in {"GET", "HEAD"}
    if is_read and prefers_html(accept):
        return address
    try:
        page = checked_next(referer, [own_host])
    except errors.ValidationError:
        page = "/"
    return address if is_read and page == "/" else page


class CookieArguments(TypedDict):
    """Arguments of the `set_cookie` that responses of Django, Flask and Starlette have."""

    key: str
    value: str
    max_age: int
    secure: bool
    httponly: bool
    samesite: Any  # typed differently in each framework


@dataclass(frozen=True, slots=True)
class ConnectRedirect:
    """A redirect to the page on which a user connects a provider.

    Attributes:
        url: where to redirect to. It contains the API key.
        cookie: the value of the cookie `CONNECT_COOKIE`.
    """

    url: str = field(repr=False)
    cookie: str = field(repr=False)

    def cookie_arguments(self, *, is_https: bool) -> CookieArguments:
        """Return what to set the cookie with: `response.set_cookie(**arguments)`.

        Args:
            is_https: whether the request came over https.
        """
        return {
            "key": CONNECT_COOKIE,
            "value": self.cookie,
            "max_age": CONNECT_SECONDS,
            "secure": is_https,
            "httponly": True,
            "samesite": "Lax",
        }


def start_connect(
    client: BaseClient,
    slug: str,
    *,
    headers: object,
    return_to: str,
    next_address: str | None = None,
    own_host: str,
    cookie: str | None = None,
) -> ConnectRedirect:
    """Begin to connect a provider. Vendo mode.

    Args:
        client: the application's client.
        slug: the provider.
        headers: the request's headers. Behind the platform's proxy only signed-in users may
            connect, since the address contains the API key.
        return_to: the application's own address that calls `finish_connect`.
        next_address: where the user goes on to after that; see `checked_next`.
        own_host: the application's host as in addresses.
        cookie: the present value of the cookie `CONNECT_COOKIE`. A user who connects two providers
            in two tabs comes back to both with the same cookie.

    Raises:
        IdentityNotPresent: the user has to sign in first.
        VendoOnlyFeature: no API key is set.
        ValidationError: the slug, `return_to` or `next_address` is malformed.
    """
    require_sign_in(headers)
    if not cookie or not _COOKIE.fullmatch(cookie):
        cookie = secrets.token_urlsafe(24)
    claims = {
        "slug": checked_slug(slug),
        "next": checked_next(next_address, [own_host]),
        "browser": _digest(cookie),
        "until": int(time.time()) + CONNECT_SECONDS,
    }
    payload = urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).decode()
    state = f"{payload}.{_signature(client, payload)}"
    return ConnectRedirect(client.connect_url(slug, return_to=return_to, state=state), cookie)


def finish_connect(
    client: BaseClient, user_client: BaseClient, *, state: str | None, cookie: str | None
) -> str:
    """End what `start_connect` began, and return the address that the user goes on to.

    The slug's cached tokens are forgotten, so that the next call sees the new connection.

    Args:
        client: the application's client.
        user_client: the client that acts for the request's user.
        state: the query parameter `state`.
        cookie: the cookie `CONNECT_COOKIE`.

    Raises:
        ValidationError: the state is not signed by this deployment, is too old, or belongs to
            another browser.
        VendoOnlyFeature: no API key is set.
    """
    payload, _, signature = (state or "").partition(".")
    signed = hmac.compare_digest(signature.encode(), _signature(client, payload).encode())
    claims = json.loads(urlsafe_b64decode(payload)) if signed and payload else None
    if (
        claims is None
        or time.time() > claims["until"]
        or not hmac.compare_digest(claims["browser"], _digest(cookie or ""))
    ):
        raise invalid(
            "This connect link is not from this application, is too old, or was opened in another "
            "browser.",
            fix="Start again from the application.",
        )
    for each in (client, user_client):
        each.invalidate(claims["slug"])
    next_address: str = claims["next"]
    return next_address


def _digest(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "replace")).hexdigest()


def _signature(client: BaseClient, payload: str) -> str:
    key = client._settings.required_key("Connecting a provider")
    signed = f"vendo connect state:{payload}".encode("utf-8", "replace")
    return hmac.digest(key.encode(), signed, "sha256").hex()
