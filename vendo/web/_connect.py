"""A person leaves the application to connect a provider, and comes back."""

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
from urllib.parse import urlsplit

from vendo import errors
from vendo._client.base import BaseClient
from vendo._config.slugs import checked_slug

#: The cookie that ties a connect link to the browser which followed it. Debug pages hide the values
#: of cookies whose name has such a word in it.
CONNECT_COOKIE = "vendo_connect_token"
#: A person who left to connect a provider has an hour to come back.
CONNECT_SECONDS = 3600

_COOKIE = re.compile(r"[A-Za-z0-9_-]{32}")


def checked_next(address: str | None, own_hosts: Collection[str]) -> str:
    """Where a person goes on to in the application: a path, or an address on one of its hosts.

    Args:
        address: what the request asks for; `/` where it asks for nothing.
        own_hosts: hosts of the application as they stand in addresses, with a port if there is.

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
    raise errors.ValidationError(
        "validation_failed",
        "The address to return to is not one of this application's.",
        suggested_fix="Give a path such as /settings, or an address on the application's own host.",
    )


@dataclass(frozen=True, slots=True)
class LeaveToConnect:
    """A redirect to the page on which a person connects a provider.

    Redirect to `url`, and set the cookie `CONNECT_COOKIE` to `cookie` for `CONNECT_SECONDS`:
    HttpOnly, SameSite=Lax, and Secure where the request came over https.
    """

    url: str = field(repr=False)
    cookie: str = field(repr=False)


def leave_to_connect(
    client: BaseClient, slug: str, *, return_to: str, next_address: str, cookie: str | None = None
) -> LeaveToConnect:
    """Begin to connect a provider: where to send the person (Vendo mode).

    Args:
        client: signs the state with its API key, so that any process of the deployment can check
            it.
        slug: the provider.
        return_to: the application's own address that calls `return_from_connect`.
        next_address: where the person goes on to after that; see `checked_next`.
        cookie: what `CONNECT_COOKIE` holds already. A person who connects two providers in two
            tabs comes back to both with the same cookie.

    Raises:
        VendoOnlyFeature: there is no API key.
        ValidationError: the slug or `return_to` is malformed.
    """
    if not cookie or not _COOKIE.fullmatch(cookie):
        cookie = secrets.token_urlsafe(24)
    claims = {
        "slug": checked_slug(slug),
        "next": next_address,
        "browser": _digest(cookie),
        "until": int(time.time()) + CONNECT_SECONDS,
    }
    payload = urlsafe_b64encode(json.dumps(claims, separators=(",", ":")).encode()).decode()
    state = f"{payload}.{_signature(client, payload)}"
    return LeaveToConnect(client.connect_url(slug, return_to=return_to, state=state), cookie)


def return_from_connect(
    client: BaseClient, state: str | None, cookie: str | None
) -> tuple[str, str]:
    """End what `leave_to_connect` began: the slug, and where the person goes on to.

    The cached token of the slug is forgotten, so that the next call sees what was connected.

    Raises:
        ValidationError: the state was not signed by this deployment, is too old, or belongs to
            another browser.
        VendoOnlyFeature: there is no API key.
    """
    payload, _, signature = (state or "").partition(".")
    signed = hmac.compare_digest(signature.encode(), _signature(client, payload).encode())
    claims = json.loads(urlsafe_b64decode(payload)) if signed and payload else None
    if (
        claims is None
        or time.time() > claims["until"]
        or not hmac.compare_digest(claims["browser"], _digest(cookie or ""))
    ):
        raise errors.ValidationError(
            "validation_failed",
            "This connect link is not from here, too old, or was opened in another browser.",
            suggested_fix="Start again from the application.",
        )
    client.invalidate(claims["slug"])
    return claims["slug"], claims["next"]


def _digest(cookie: str) -> str:
    return sha256(cookie.encode("utf-8", "replace")).hexdigest()


def _signature(client: BaseClient, payload: str) -> str:
    key = client._settings.required_key("Connecting a provider")
    signed = f"vendo connect state:{payload}".encode("utf-8", "replace")
    return hmac.digest(key.encode(), signed, "sha256").hex()
