"""The application's own link to connect a provider: its arguments, and which of several to take."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import combinations
from posixpath import commonpath
from typing import Any
from urllib.parse import urlsplit


def argument_sets(slug: str, captured: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield what the connect link's route may need, the fewest arguments first.

    A prefix of the route, such as `/<tenant>/`, needs arguments that the present page has too.

    Args:
        slug: the provider.
        captured: the arguments in the path of the present page.

    Returns:
        Arguments by their names, as the framework's function that builds a URL takes them.

    Example:
        ```python
        from vendo.web import argument_sets

        print(list(argument_sets("gmail", {"tenant": "acme"})))
        ```
    """
    others = {name: value for name, value in captured.items() if name != "slug"}
    for count in range(len(others) + 1):
        for names in combinations(others, count):
            yield {"slug": slug, **{name: others[name] for name in names}}


def nearest_link(links: Iterable[str], own_url: str) -> str | None:
    """Return the link that is nearest to a page: on its host, and with most of its path.

    Args:
        links: paths, or addresses on another host. One that begins with `//` would lead away.
        own_url: the address of the page.

    Returns:
        One of the links; None where there is none.

    Example:
        ```python
        from vendo.web import nearest_link

        links = ["/api/vendo/connect/gmail/", "/acme/vendo/connect/gmail/"]
        print(nearest_link(links, "https://app.example.com/acme/mail"))
        ```
    """
    own = urlsplit(own_url)

    def nearness(link: str) -> tuple[bool, int]:
        parts = urlsplit(link)
        shared = commonpath([parts.path or "/", own.path or "/"])
        return parts.netloc in {"", own.netloc}, len(shared)

    return max((link for link in links if not link.startswith("//")), key=nearness, default=None)
