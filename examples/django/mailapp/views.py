"""The pages."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from django.shortcuts import render

from mailapp.models import Notice
from vendo import sso

if TYPE_CHECKING:
    from django.http import HttpResponse

    from vendo_django import VendoHttpRequest


def may_connect(request: VendoHttpRequest, slug: str) -> bool:
    """Let users connect accounts who are signed in, except viewers."""
    user = request.vendo_identity
    return user is not None and user.role != "viewer"


def home(request: VendoHttpRequest) -> HttpResponse:
    """Show whether Gmail is connected, and the latest webhooks."""
    context = {"notices": Notice.objects.all()[:10], "logout_url": sso.logout_url()}
    return render(request, "mailapp/home.html", context)


def inbox(request: VendoHttpRequest) -> HttpResponse:
    """Show the user's messages; with `?q=`, only those that match."""
    if not request.user.is_authenticated:
        return render(request, "mailapp/sign_in.html", status=401)
    query = request.GET.get("q", "").strip()
    # Sends the user's own token. If Gmail is not connected, the middleware responds.
    gmail = request.vendo.session("gmail")
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
    context = {"messages": messages, "query": query, "logout_url": sso.logout_url()}
    return render(request, "mailapp/inbox.html", context)
