"""A visitor of an application behind nginx, with the headers and cookies of a browser."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import requests

HOST = "shop.example.com"
_HEADERS = {
    "Host": HOST,
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
}


class Visitor(requests.Session):
    """A visitor of `https://shop.example.com`, which is a port of this machine."""

    def __init__(self, port: int, authority: object) -> None:
        super().__init__()
        #: Where it connects to.
        self.address = f"https://127.0.0.1:{port}"
        self.trust_env = False
        self.verify = str(authority)
        self.headers.update(_HEADERS)

    def open(self, address: str, method: str = "GET", **options: Any) -> requests.Response:
        """Send a request to an address of the site, and follow no redirect."""
        parts = urlsplit(address)
        assert parts.netloc in {"", HOST}, address
        assert parts.scheme in {"", "https"}, address
        rest = parts._replace(scheme="", netloc="").geturl()
        options = {"timeout": 30, "allow_redirects": False, **options}
        return self.request(method, self.address + rest, **options)
