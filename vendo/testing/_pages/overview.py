"""The home page: the connections, and the providers that can be connected."""

from __future__ import annotations

from html import escape
from itertools import groupby

from vendo._catalog import catalog
from vendo.testing._pages.layout import page
from vendo.testing._pages.links import name_of, setup_url

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Response
    from vendo.testing._state.connections import Connection
    from vendo.testing._state.state import State

_TITLES = {"ai": "AI", "crm": "CRM"}
#: The heading above slugs of a test's own, at the end.
_OWN = "Not in the catalog"


def overview(query: str, state: State, site: str) -> Response:
    """Return the home page with the providers that match a query: all of its words."""
    words = query.lower().split()
    connections = state.connections.all()
    present = {connection.slug for connection in connections}
    offers = [slug for slug in state.connections.slugs() if slug not in present]
    shown = [connection for connection in connections if _matches(connection.slug, words)]
    offered = [slug for slug in offers if _matches(slug, words)]
    count, total = len(shown) + len(offered), len(connections) + len(offers)
    return page(
        200,
        "Connections",
        '<p class="soft">A server for development and tests. It does not use real accounts.</p>'
        f"{_filter(query)}{_count(query, count, total) if words else ''}"
        f"{_connected(shown, state, site, filtered=bool(words))}"
        f"{'' if words else _balance(state)}{_offers(offered, state, site)}",
    )


def _matches(slug: str, words: list[str]) -> bool:
    text = f"{slug} {name_of(slug)} {_category(slug)}".lower()
    return all(word in text for word in words)


def _filter(query: str) -> str:
    return (
        '<form class="filter" role="search" method="get" action="/">'
        '<label for="q">Filter by name, slug or category</label>'
        f'<input id="q" name="q" type="search" value="{escape(query)}" autocomplete="off" '
        'autocapitalize="none" spellcheck="false"><button>Filter</button></form>'
    )


def _count(query: str, count: int, total: int) -> str:
    matching = "matches" if count == 1 else "match"
    return (
        f"<p>{count} of {total} providers {matching} <b>{escape(query.strip())}</b>. "
        '<a href="/">Show all</a></p>'
    )


def _connected(connections: list[Connection], state: State, site: str, *, filtered: bool) -> str:
    if connections:
        rows = "".join(_row(connection, state, site) for connection in connections)
        return f'<ul class="rows">{rows}</ul>'
    return "" if filtered else "<p>Nothing is connected yet.</p>"


def _row(connection: Connection, state: State, site: str) -> str:
    slug, status = connection.slug, connection.status
    good = " good" if status == "connected" else ""
    link = "" if good else _link(slug, state, site, "Connect ")
    return (
        f"<li><span>{escape(name_of(slug))} {_code(slug)}</span>"
        f'<span class="tag{good}">{escape(status.replace("_", " "))}</span>{link}</li>'
    )


def _balance(state: State) -> str:
    dollars = f"{state.wallet.balance / 1_000_000:.2f}"
    return f'<h2 id="balance">Balance</h2><p>{dollars} USD of test money</p>'


def _offers(slugs: list[str], state: State, site: str) -> str:
    if not slugs:
        return ""
    # A screen reader lists the links without the heading above them.
    verb = '<span class="hidden">Connect </span>'
    groups = groupby(sorted(slugs, key=_place), key=_category)
    lists = "".join(
        f'<h3>{escape(category)}</h3><ul class="tiles">'
        + "".join(f"<li>{_link(slug, state, site, verb)}{_code(slug)}</li>" for slug in group)
        + "</ul>"
        for category, group in groups
    )
    return f"<h2>Connect a provider</h2>{lists}"


def _link(slug: str, state: State, site: str, verb: str) -> str:
    return f'<a href="{escape(setup_url(site, slug, state))}">{verb}{escape(name_of(slug))}</a>'


def _code(slug: str) -> str:
    """Return the slug, which programs use. Outside the catalog it is the name already."""
    return f"<code>{escape(slug)}</code>" if catalog.provider(slug) else ""


def _category(slug: str) -> str:
    provider = catalog.provider(slug)
    if provider is None:
        return _OWN
    return _TITLES.get(provider.category, provider.category.capitalize())


def _place(slug: str) -> tuple[bool, str, str]:
    """Return the place of a provider in the lists: by category, then by name."""
    category = _category(slug)
    return category == _OWN, category.lower(), name_of(slug).lower()
