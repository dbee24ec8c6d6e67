"""The pages."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from requests import Session

from mailapp import webhooks
from vendo_django import VendoHttpRequest


def home(request: VendoHttpRequest) -> HttpResponse:
    """Show whether Gmail is connected, and the latest webhooks."""
    return render(request, "mailapp/home.html", {"webhooks": webhooks.latest})


def inbox(request: VendoHttpRequest) -> HttpResponse:
    """Show the user's messages; with `?q=`, only those that match."""
    if not request.user.is_authenticated:
        return render(request, "mailapp/sign_in.html", status=401)
    query = request.GET.get("q", "").strip()
    # Sends the user's own token. If Gmail is not connected, the middleware responds.
    gmail = request.vendo.session("gmail")
    rows = _get(gmail, "messages", q=query, maxResults=20).get("messages", [])
    with ThreadPoolExecutor(4) as pool:
        messages = list(pool.map(lambda row: _message(gmail, row["id"]), rows))
    return render(request, "mailapp/inbox.html", {"messages": messages, "query": query})


def _message(gmail: Session, message_id: str) -> dict[str, Any]:
    message = _get(gmail, f"messages/{message_id}")
    headers = {header["name"]: header["value"] for header in message["payload"]["headers"]}
    return {**message, "headers": headers}


def _get(gmail: Session, path: str, **parameters: str | int) -> Any:
    response = gmail.get(f"gmail/v1/users/me/{path}", params=parameters)
    response.raise_for_status()
    return response.json()
