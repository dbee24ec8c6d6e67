"""The pages."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from flask import Blueprint, render_template, request
from requests import Session

from mailapp import webhooks
from vendo_flask import current_vendo, vendo_identity

pages = Blueprint("pages", __name__)


@pages.get("/")
def home() -> str:
    """Show whether Gmail is connected, and the latest webhooks."""
    return render_template("home.html", webhooks=webhooks.latest)


@pages.get("/inbox/")
def inbox() -> str | tuple[str, int]:
    """Show the user's messages; with `?q=`, only those that match."""
    if not vendo_identity:
        return render_template("sign_in.html"), 401
    query = request.args.get("q", "").strip()
    # Sends the user's own token. If Gmail is not connected, FlaskVendo responds.
    gmail = current_vendo.session("gmail")
    rows = _get(gmail, "messages", q=query, maxResults=20).get("messages", [])
    with ThreadPoolExecutor(4) as pool:
        messages = list(pool.map(lambda row: _message(gmail, row["id"]), rows))
    return render_template("inbox.html", messages=messages, query=query)


def _message(gmail: Session, message_id: str) -> dict[str, Any]:
    message = _get(gmail, f"messages/{message_id}")
    headers = {header["name"]: header["value"] for header in message["payload"]["headers"]}
    return {**message, "headers": headers}


def _get(gmail: Session, path: str, **parameters: str | int) -> Any:
    response = gmail.get(f"gmail/v1/users/me/{path}", params=parameters)
    response.raise_for_status()
    return response.json()
