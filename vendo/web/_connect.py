"""The way of a user who connects a provider: from the application to Vendo's page, and back.

The platform's address contains the API key, and the browser gets it. So the way is closed until the
application says who may connect (`_may_connect`), and the state that travels along is signed with a
random secret that only this browser has, in a cookie.
"""

from __future__ import annotations

import hmac
import json
import re
import secrets
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple, TypedDict
from urllib.parse import SplitResult, urlsplit

from vendo._client.base import BaseClient
from vendo._config.slugs import checked_slug
from vendo._protocol.origins import is_loopback
from vendo._protocol.secret import Secret
from vendo.errors import ValidationError, invalid
from vendo.web._next import after_denial, checked_next, host_of, without_denial
from vendo.web._providers import provider_name
from vendo.web._replay import is_first_use
from vendo.web._replay_stores import ReplayStore

#: Seconds that a user has to come back.
CONNECT_SECONDS = 3600
#: What each cookie's name begins with. Frameworks mask a cookie with `token` in its name.
CONNECT_COOKIE = "vendo_connect_token"

_BEHIND_PROXY = "docs/deployment.md#behind-nginx"
_SECRET = re.compile(r"[A-Za-z0-9_-]{32}")
#: Seconds that the clocks of two machines of an application may differ.
_CLOCK_SKEW = 60
_MAX_STATE = 8192


class CookieArguments(TypedDict):
    """Arguments of the `set_cookie` that responses of Django, Flask and Starlette have."""

    key: str
    value: str
    max_age: int
    path: str
    secure: bool
    httponly: bool
    samesite: Any  # typed differently in each framework


@dataclass(frozen=True, slots=True)
class ConnectRedirect:
    """Hold a redirect to the page on which a user connects a provider. `start_connect` makes it.

    Attributes:
        url: where to redirect to. It contains the API key.
        cookie: what to set the browser's cookie with: `response.set_cookie(**redirect.cookie)`.

    Example:
        ```python
        import vendo
        from vendo.web import ConnectRedirect, start_connect

        own_url = "https://app.example.com/api/vendo/connect/gmail/"
        redirect: ConnectRedirect = start_connect(
            vendo.Vendo(), "gmail", own_url=own_url, query={}, cookies={}
        )
        print(redirect.cookie["key"], redirect.cookie["max_age"])
        ```
    """

    url: str = field(repr=False)
    cookie: CookieArguments = field(repr=False, hash=False)


class ConnectState(NamedTuple):
    """Hold what travels to Vendo's page and back.

    Attributes:
        slug: the provider.
        next_address: where the user goes on to.
        made_at: when the user left, in Unix seconds.
        number: a random text, different each time.

    Example:
        ```python
        import time

        from vendo.web import ConnectState

        state = ConnectState("gmail", "/mail", time.time(), "a random text")
        ```
    """

    slug: str
    next_address: str
    made_at: float
    number: str


def start_connect(
    client: BaseClient,
    slug: str,
    *,
    own_url: str,
    query: Mapping[str, str],
    cookies: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    own_hosts: Collection[str] = (),
    home: str = "/",
) -> ConnectRedirect:
    """Begin to connect a provider. Vendo mode. Call `check_may_connect` first.

    Args:
        client: the application's client.
        slug: the provider.
        own_url: the address of this request as the browser knows it, `…/connect/<slug>/`. The view
            that calls `finish_connect` is beside it: `…/connect/done/`.
        query: the request's query. `next` is where the user goes on to after that: a path of the
            application, or an address on one of its hosts, at most 2,048 bytes.
        cookies: the request's cookies. A user who connects several providers in several tabs comes
            back to each.
        headers: the request's headers, by names in any case.
        own_hosts: further hosts of the application, beside that of `own_url`. A user who comes from
            one of them may go back there.
        home: the path of the application's first page, where a user without `next` goes on to.

    Returns:
        The redirect, and the cookie that the response has to set. A user has an hour to come back.

    Raises:
        VendoOnlyFeature: no API key is set.
        ValidationError: the slug or `next` is malformed, the user comes from a denial by itself, or
            the headers say that the browser knows another address than `own_url`.

    Example:
        ```python
        import vendo
        from vendo.web import start_connect

        redirect = start_connect(
            vendo.Vendo(),
            "gmail",
            own_url="https://app.example.com/api/vendo/connect/gmail/",
            query={"next": "/mail"},
            cookies={},
        )
        # response = Response(302, redirect.url); response.set_cookie(**redirect.cookie)
        ```
    """
    client._settings.required_key("Connecting a provider")
    slug = checked_slug(slug)
    if query.get("vendo_connect"):
        raise invalid(
            f"{provider_name(slug)} was not connected.",
            fix="Go back to the page that needs it, and connect it there.",
        )
    parts, headers = urlsplit(own_url), headers or {}
    _check_own_url(parts, headers)
    name = _cookie_name(slug, parts.scheme)
    secret = Secret(cookies.get(name) or "")
    if not _SECRET.fullmatch(secret):
        secret = Secret(secrets.token_urlsafe(24))
    is_https = parts.scheme == "https"
    hosts = [parts.netloc, *own_hosts]
    next_address = checked_next(query.get("next"), hosts, home=home, is_https=is_https)
    referer = headers.get("Referer")
    if referer and _host_of(next_address) not in {"", parts.netloc, _host_of(referer)}:
        next_address = home  # the way began elsewhere
    folder = parts.path.rstrip("/").rpartition("/")[0]
    if urlsplit(next_address).path.startswith(f"{folder}/"):
        next_address = home  # to connect is a choice of the user each time
    state = ConnectState(slug, next_address, time.time(), secrets.token_urlsafe(16))
    return_to = f"{parts.scheme}://{parts.netloc}{folder}/done/"
    return ConnectRedirect(
        client.connect_url(slug, return_to=return_to, state=_signed(state, parts.netloc, secret)),
        {
            "key": name,
            "value": secret.reveal(),
            "max_age": CONNECT_SECONDS,
            "path": "/",
            "secure": is_https,
            "httponly": True,
            "samesite": "Lax",
        },
    )


def returned_state(
    client: BaseClient, *, own_url: str, query: Mapping[str, str], cookies: Mapping[str, str]
) -> ConnectState:
    """Return the state that a user comes back with, out of the request's query. Vendo mode.

    Args:
        client: the application's client.
        own_url: the address of this request as the browser knows it.
        query: the request's query.
        cookies: the request's cookies.

    Returns:
        The state that `start_connect` made, with a slug in lower case.

    Raises:
        ValidationError: the state is malformed, is too old, or belongs to another browser.
        VendoOnlyFeature: no API key is set.

    Example:
        ```python
        from urllib.parse import parse_qs, urlsplit

        import vendo
        from vendo.web import returned_state, start_connect

        client, views = vendo.Vendo(), "https://app.example.com/api/vendo/connect"
        begun = start_connect(client, "gmail", own_url=f"{views}/gmail/", query={}, cookies={})
        query = {"state": parse_qs(urlsplit(begun.url).query)["state"][0]}
        cookies = {begun.cookie["key"]: begun.cookie["value"]}
        state = returned_state(client, own_url=f"{views}/done/", query=query, cookies=cookies)
        print(state.slug)  # gmail
        ```
    """
    client._settings.required_key("Connecting a provider")
    state = _verified(query.get("state") or "", urlsplit(own_url), cookies)
    if state is None:
        raise invalid(
            "This connect link is not from this application, is too old, or was opened in another "
            "browser.",
            fix="Start again from the application.",
        )
    return state


def finish_connect(
    client: BaseClient,
    user_client: BaseClient,
    state: ConnectState,
    *,
    own_url: str,
    query: Mapping[str, str],
    store: ReplayStore,
    may_connect: bool,
    own_hosts: Collection[str] = (),
) -> str:
    """End what `start_connect` began. Vendo mode.

    The slug's tokens that are older than the state are forgotten, so that the next call sees the
    new connection.

    Args:
        client: the application's client.
        user_client: the client that acts for the request's user.
        state: what `returned_state` returned.
        own_url: the address of this request as the browser knows it.
        query: the request's query, with `status`.
        store: remembers the states that were used.
        may_connect: whether the user may connect the provider. A visitor can make a browser's
            secret and sign a state with it: it then leads back, and changes nothing.
        own_hosts: as for `start_connect`.

    Returns:
        The address that the user goes on to. After a denial its query has
        `vendo_connect=denied&slug=…`.

    Raises:
        ValidationError: the state was used before.

    Example:
        ```python
        import time

        import vendo
        from vendo.web import ConnectState, ReplayCache, finish_connect

        client = vendo.Vendo()
        address = finish_connect(
            client,
            client,
            ConnectState("gmail", "/mail", time.time(), "a random text"),
            own_url="https://app.example.com/api/vendo/connect/done/",
            query={"status": "connected"},
            store=ReplayCache(),
            may_connect=True,
        )
        print(address)  # /mail
        ```
    """
    parts = urlsplit(own_url)
    hosts = [parts.netloc, *own_hosts]
    next_address = checked_next(state.next_address, hosts, is_https=parts.scheme == "https")
    is_denied = query.get("status", "connected") != "connected"
    if may_connect:
        key = f"vendo.connect.{sha256(state.number.encode('utf-8', 'replace')).hexdigest()}"
        if not is_first_use(store, key, CONNECT_SECONDS + _CLOCK_SKEW):
            raise invalid(
                "This connect link was used before.", fix="Start again from the application."
            )
        if not is_denied:
            for each in (client, user_client):
                each._forget(state.slug, before=state.made_at)
    return after_denial(next_address, state.slug) if is_denied else without_denial(next_address)


def _check_own_url(own_url: SplitResult, headers: Mapping[str, str]) -> None:
    """Check that an application behind a proxy knows its address, as the browser does.

    Otherwise the user would be sent back to http with a cookie that has less protection, or to an
    address that leads nowhere.
    """
    # Browsers send this over https, and over http to their own machine.
    site = headers.get("Sec-Fetch-Site")
    page = _host_of(headers.get("Referer", ""))
    own_host = host_of(own_url.netloc, own_url.scheme)
    if site == "same-origin" and page and page.lower() != own_host:
        raise invalid(
            f"This application is not reached at {own_host}, which it takes for its own address.",
            fix=f"Let the proxy in front pass the header Host on. See {_BEHIND_PROXY}.",
        )
    forwarded = headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    is_secure = site is not None and not is_loopback(own_url.hostname or "")
    if own_url.scheme == "http" and (forwarded == "https" or is_secure):
        raise invalid(
            "This application is reached over https, but takes its own address for http.",
            fix="Let the proxy in front send X-Forwarded-Proto, and the application trust it. See "
            f"{_BEHIND_PROXY}.",
        )


def _host_of(address: str) -> str | None:
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None


def _verified(text: str, own_url: SplitResult, cookies: Mapping[str, str]) -> ConnectState | None:
    """Return the state that this browser left with, or None."""
    payload, _, signature = text.partition(".")
    if len(text) > _MAX_STATE or not text.isascii():
        return None
    try:
        # Unverified: it only says which cookie verifies it.
        slug, next_address, made_at, number = json.loads(urlsafe_b64decode(payload))
        state = ConnectState(checked_slug(slug), str(next_address), float(made_at), str(number))
    except (ValueError, TypeError, RecursionError, ValidationError):
        return None
    secret = Secret(cookies.get(_cookie_name(state.slug, own_url.scheme)) or "")
    if not _SECRET.fullmatch(secret):
        return None
    if not hmac.compare_digest(signature, _signature(own_url.netloc, payload, secret)):
        return None
    age = time.time() - state.made_at
    return state if -_CLOCK_SKEW <= age <= CONNECT_SECONDS else None


def _cookie_name(slug: str, scheme: str) -> str:
    # One for each provider: two tabs that leave at the same time do not replace each other's.
    # A cookie with the prefix comes from this very host.
    prefix = "__Host-" if scheme == "https" else ""
    return f"{prefix}{CONNECT_COOKIE}_{sha256(slug.encode()).hexdigest()[:8]}"


def _signed(state: ConnectState, host: str, secret: Secret) -> str:
    text = json.dumps(state, ensure_ascii=False)
    payload = urlsafe_b64encode(text.encode("utf-8", "replace")).decode()
    return f"{payload}.{_signature(host, payload, secret)}"


def _signature(host: str, payload: str, secret: Secret) -> str:
    signed = f"vendo connect state:{host.lower()}:{payload}".encode("utf-8", "replace")
    return hmac.digest(secret.encode(), signed, "sha256").hex()
