"""Links of the application that lead a person to the page on which they connect a provider."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from vendo.errors import ValidationError
from vendo.web import checked_next


def connect_link(slug: str, request: HttpRequest | None = None) -> str | None:
    """The application's own address that redirects to the connect page; it holds no key.

    None where the project's URLs have no such view.

    Args:
        slug: the provider.
        request: the person comes back to where they are in this request.
    """
    try:
        link = reverse("vendo:connect", args=[slug])
    except NoReverseMatch:
        return None
    return link if request is None else f"{link}?{urlencode({'next': _here(request)})}"


def _here(request: HttpRequest) -> str:
    """Where a person is who sends this request: the page itself, or the page with the form."""
    if request.method in {"GET", "HEAD"}:
        return request.get_full_path()
    try:
        return checked_next(request.META.get("HTTP_REFERER"), [request.get_host()])
    except ValidationError:
        return "/"
