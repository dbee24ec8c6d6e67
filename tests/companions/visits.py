"""What a user of a site does in a browser."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from support.connect_flow import query_of

if TYPE_CHECKING:
    import requests

    from vendo.testing import LocalVendo


def connect(browser: requests.Session, site: str, server: LocalVendo, slug: str) -> str:
    """Connect a provider by the site's own link, and return the path where the user ends."""
    link = f"{site}/api/vendo/connect/{slug}/?next=/mailbox"
    leaving = browser.get(link, timeout=30, allow_redirects=False)
    assert leaving.status_code == 302, leaving.text
    assert leaving.headers["Location"].startswith(server.url)
    way = query_of(leaving.headers["Location"])
    server.connect(slug)
    back = browser.get(
        way["return_to"], params={"state": way["state"]}, timeout=30, allow_redirects=False
    )
    assert back.status_code == 302, back.text
    return urlsplit(back.headers["Location"]).path


def deliver(site: str, server: LocalVendo, event: str) -> requests.Response:
    """Send a webhook as the platform does."""
    import requests

    headers, body = server.sign_webhook({"id": event, "type": "connection.changed"})
    headers = {**headers, "Content-Type": "application/json"}
    return requests.post(f"{site}/api/vendo/webhook/", data=body, headers=headers, timeout=30)
