"""The project's own link that leads a user to the page on which they connect a provider."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse

from vendo.web import current_page


def connect_link(slug: str, request: HttpRequest | None = None) -> str | None:
    """Return the link to the view `connect`, which contains no key.

    Args:
        slug: the provider.
        request: the user comes back to the page that they are on in this request.

    Returns:
        A path; None where the project's URLs do not have the view.
    """
    try:
        link = reverse("vendo:connect", args=[slug])
    except NoReverseMatch:
        return None
    return link if request is None else f"{link}?{urlencode({'next': _page_of(request)})}"


def _page_of(request: HttpRequest) -> str:
    return current_page(
        request.method,
        request.get_full_path(),
        accept=request.META.get("HTTP_ACCEPT"),
        referer=request.META.get("HTTP_REFERER"),
        own_host=request.get_host(),
    )
