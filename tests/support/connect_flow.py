"""What the tests of the connect flow of all adapters need."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

import vendo
from vendo import web
from vendo.web._connect import CONNECT_COOKIE

#: The `Accept` header of browsers.
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}

FOREIGN_ADDRESSES = [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example",
    "/\t/evil.example",
    "https:evil.example",
    "javascript:alert(1)",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
]


def query_of(address: str) -> dict[str, str]:
    """Return the query of an address. Each name occurs once."""
    return {name: value for name, (value,) in parse_qs(urlsplit(address).query).items()}


def cookie_of(header: str) -> tuple[str, set[str]]:
    """Return the name of the cookie that a response sets, and its attributes."""
    pair, *attributes = header.split("; ")
    name = pair.partition("=")[0]
    assert CONNECT_COOKIE in name
    return name, {attribute.lower() for attribute in attributes}


def is_page(body: str, *texts: str) -> bool:
    """Return whether a body is an HTML page with these texts."""
    return body.lstrip().lower().startswith("<!doctype html>") and all(
        text in body for text in texts
    )


def button_of(body: str) -> str | None:
    """Return the address of the button of a page, or None."""
    from html import unescape
    from re import search

    found: Any = search(r'<a class="vendo-connect" href="([^"]*)"', body)
    return unescape(found[1]) if found else None


KEY = "vendo_sk_" + "k" * 32


@dataclass
class Browser:
    """A browser with its cookies, on an application's host. It goes to Vendo's page and back."""

    site: str = "https://app.example.com/api/vendo"
    cookies: dict[str, str] = field(default_factory=dict)
    store: web.ReplayStore = field(default_factory=web.ReplayCache)
    client: vendo.Vendo = field(
        default_factory=lambda: vendo.Vendo(KEY, "https://vendo.example.com")
    )
    #: The address of Vendo's page.
    link: str = ""

    def leave(self, next_address: str | None = "/inbox", slug: str = "gmail", **how: Any) -> str:
        """Go to Vendo's page, and return the state."""
        redirect = web.start_connect(
            self.client,
            slug,
            own_url=f"{self.site}/connect/{slug}/",
            query={} if next_address is None else {"next": next_address},
            cookies=self.cookies,
            **how,
        )
        self.cookies[redirect.cookie["key"]] = redirect.cookie["value"]
        assert redirect.cookie["httponly"]
        assert redirect.cookie["samesite"] == "Lax"
        self.link = redirect.url
        query = query_of(redirect.url)
        assert query["return_to"] == f"{self.site}/connect/done/"
        return query["state"]

    def come_back(
        self, state: str, status: str | None = "connected", *, may: bool = True, **how: Any
    ) -> str:
        """Return the page that the user arrives on."""
        query = {"state": state} if status is None else {"state": state, "status": status}
        own_url = f"{self.site}/connect/done/"
        returned = web.returned_state(
            self.client, own_url=own_url, query=query, cookies=self.cookies
        )
        return web.finish_connect(
            self.client,
            self.client,
            returned,
            own_url=own_url,
            query=query,
            store=self.store,
            may_connect=may,
            **how,
        )

    def is_rejected(self, state: str) -> bool:
        """Return whether the user is not let back."""
        try:
            self.come_back(state)
        except vendo.ValidationError:
            return True
        return False


def signed_state(claims: list[Any], key: str, host: str = "app.example.com") -> str:
    """Return a state of these claims, as signed by one who has this key."""
    payload = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode()
    signed = f"vendo connect state:{host}:{payload}".encode()
    return f"{payload}.{hmac.digest(key.encode(), signed, 'sha256').hex()}"
