"""The pages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Blueprint, render_template, request

from mailapp.notices import latest
from vendo import sso
from vendo_flask import current_vendo, vendo_identity

pages = Blueprint("pages", __name__)


@pages.context_processor
def links() -> dict[str, str]:
    """Add the links that every page has."""
    return {"logout_url": sso.logout_url()}


@pages.get("/")
def home() -> str:
    """Show whether Gmail is connected, and the latest webhooks."""
    return render_template("home.html", notices=latest())


@pages.get("/inbox/")
def inbox() -> str | tuple[str, int]:
    """Show the user's messages; with `?q=`, only those that match."""
    if not vendo_identity:
        return render_template("sign_in.html"), 401
    query = request.args.get("q", "").strip()
    # Sends the user's own token. If Gmail is not connected, FlaskVendo responds.
    gmail = current_vendo.session("gmail")
    found = gmail.get("gmail/v1/users/me/messages", params={"q": query, "maxResults": 20})
    found.raise_for_status()

    def read(row: dict[str, str]) -> dict[str, Any]:
        response = gmail.get(f"gmail/v1/users/me/messages/{row['id']}")
        response.raise_for_status()
        message = response.json()
        headers = {header["name"]: header["value"] for header in message["payload"]["headers"]}
        return {
            "subject": headers.get("Subject", "(no subject)"),
            "sender": headers.get("From", ""),
            "snippet": message["snippet"],
            "unread": "UNREAD" in message["labelIds"],
        }

    with ThreadPoolExecutor(4) as pool:
        messages = list(pool.map(read, found.json().get("messages", [])))
    return render_template("inbox.html", messages=messages, query=query)
