"""Links to the connect page, and the names of providers on all pages."""

from __future__ import annotations

from urllib.parse import quote

from vendo._catalog import catalog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._state.state import State

CONNECT = "/connections/connect/"


def setup_url(site: str, slug: str, state: State) -> str:
    """Return a link to the connect page that works without the app key."""
    return f"{site}{CONNECT}{quote(slug, safe='')}?invite={state.ticket('invite', slug)}"


def name_of(slug: str) -> str:
    """Return the provider's name, or the slug of one outside the catalog."""
    provider = catalog.provider(slug)
    return provider.name if provider else slug
