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


def home(request: VendoHttpRequest) -> HttpResponse:
    """Whether Gmail is connected, and what the platform told lately."""
    context = {"notices": Notice.objects.all()[:10], "logout_url": sso.logout_url()}
    return render(request, "mailapp/home.html", context)


def inbox(request: VendoHttpRequest) -> HttpResponse:
    """The person's messages, those with the words of `?q=` where there is one."""
    if not request.user.is_authenticated:
        return render(request, "mailapp/sign_in.html", status=401)
    query = request.GET.get("q", "").strip()
    # Their own token goes along. Where Gmail is not connected, the middleware takes over.
    gmail = request.vendo.session("gmail")
    found = gmail.get("gmail/v1/users/me/messages", params={"q": query, "maxResults": 20})
    found.raise_for_status()

    def read(row: dict[str, str]) -> dict[str, Any]:
        answer = gmail.get(f"gmail/v1/users/me/messages/{row['id']}")
        answer.raise_for_status()
        message = answer.json()
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
