"""The pages for a person with a browser: what is connected, and the connect page."""

from __future__ import annotations

import base64
import json
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from vendo._catalog import catalog
from vendo._config.slugs import checked_slug
from vendo._protocol.origins import is_loopback
from vendo.errors import ValidationError
from vendo.testing._errors import Refusal
from vendo.testing._html import page
from vendo.testing._http import Response, decoded_pairs

if TYPE_CHECKING:
    from vendo.testing._http import Request
    from vendo.testing._state import State

_CONNECT = "/connections/connect/"


class _NoGo(Exception):
    """The page cannot be shown; the person is told why."""

    def __init__(self, status: int, problem: str) -> None:
        super().__init__(problem)
        self.status = status
        self.problem = problem


def slug_of(path: str) -> str | None:
    """The slug in the path of a connect page, or None elsewhere."""
    slug = path.removeprefix(_CONNECT)
    return unquote(slug) if slug != path and slug else None


def setup_url(site: str, slug: str, state: State) -> str:
    """A link to the connect page that works without the app key."""
    return f"{site}{_CONNECT}{quote(slug, safe='')}?invite={state.ticket('invite', slug)}"


def respond(path: str, request: Request, state: State, site: str) -> Response | None:
    """The page at this path, or None where there is none."""
    if path != "/" and not path.startswith(_CONNECT):
        return None
    allowed = {"GET", "HEAD"} if path == "/" else {"GET", "HEAD", "POST"}
    if request.method not in allowed:
        response = page(405, "Not possible", "<p>This page does not take that method.</p>")
        response.headers["Allow"] = ", ".join(sorted(allowed))
        return response
    if path == "/":
        return _index(state, site)
    try:
        slug = _checked(slug_of(path))
        if request.method == "POST":
            return _decide(slug, request, state, site)
        return _ask(slug, request, state)
    except _NoGo as problem:
        return page(problem.status, "Not possible", f"<p>{escape(problem.problem)}</p>")


def _index(state: State, site: str) -> Response:
    connections = state.connections.all()
    rows = [
        f"<li><span>{escape(_name_of(connection.slug))}</span>{_tag(connection.status)}"
        f"{'' if connection.status == 'connected' else _link(site, connection.slug, state)}</li>"
        for connection in connections
    ]
    present = {connection.slug for connection in connections}
    # The eye has the heading above them; a screen reader lists links without it.
    offers = [
        f"<li>{_link(site, slug, state, alone=True)}</li>"
        for slug in catalog.slugs()
        if slug not in present
    ]
    connected = (
        f'<ul class="rows">{"".join(rows)}</ul>' if rows else "<p>Nothing is connected yet.</p>"
    )
    dollars = f"{state.wallet.balance / 1_000_000:.2f}"
    return page(
        200,
        "What is connected",
        '<p class="soft">A server for development and tests. No real account is touched.</p>'
        f"{connected}"
        f'<h2 id="balance">Balance</h2><p>{dollars} USD of play money</p>'
        f'<h2>Connect a provider</h2><ul class="tiles">{"".join(offers)}</ul>',
    )


def _tag(status: str) -> str:
    good = " good" if status == "connected" else ""
    return f'<span class="tag{good}">{escape(status.replace("_", " "))}</span>'


def _link(site: str, slug: str, state: State, *, alone: bool = False) -> str:
    verb = '<span class="hidden">Connect </span>' if alone else "Connect "
    address = escape(setup_url(site, slug, state))
    return f'<a href="{address}">{verb}{escape(_name_of(slug))}</a>'


def _ask(slug: str, request: Request, state: State) -> Response:
    asked = request.parameters()
    _check_invited(slug, asked, state)
    return_to = _checked_return(asked.get("return_to", ""))
    back = asked.get("state", "")
    name = escape(_name_of(slug))
    whither = escape(urlsplit(return_to).netloc) if return_to else "stay on this page"
    # Encoded, since a form may change line breaks on the way.
    visit = base64.urlsafe_b64encode(json.dumps([return_to, back]).encode()).decode()
    hidden = {"visit": visit, "ticket": state.ticket("decide", slug, visit)}
    inputs = "".join(
        f'<input type="hidden" name="{field}" value="{escape(value)}">'
        for field, value in hidden.items()
    )
    return page(
        200,
        f"Connect {_name_of(slug)}",
        f"<p>An application asks for access to {name} through Vendo.</p>"
        '<p class="soft">This is a server for development: no real account is touched.</p>'
        f"<dl><dt>Provider</dt><dd>{name}</dd>"
        f"<dt>It gets</dt><dd>a token for {name}, renewed as long as you leave it connected</dd>"
        f"<dt>Then you</dt><dd>{'return to ' if return_to else ''}{whither}</dd></dl>"
        f'<form method="post" action="{_CONNECT}{quote(slug, safe="")}">{inputs}'
        '<button class="main" name="decision" value="connect">Connect</button>'
        '<button name="decision" value="refuse">Refuse</button></form>',
        about=_name_of(slug),
        form_target=return_to,
    )


def _decide(slug: str, request: Request, state: State, site: str) -> Response:
    if not _is_from_here(request, site):
        raise _NoGo(403, "The form was sent from another site.")
    form = decoded_pairs(request.body.decode("utf-8", "replace"))
    visit = form.get("visit", "")
    if not state.is_ticket(form.get("ticket", ""), "decide", slug, visit):
        raise _NoGo(403, "The form is out of date. Open the link again and choose once more.")
    return_to, back = json.loads(base64.urlsafe_b64decode(visit))
    decision = form.get("decision")
    if decision not in {"connect", "refuse"}:
        raise _NoGo(400, "Choose either to connect or to refuse.")
    if decision == "connect":
        state.connect_again(slug)
    status = "connected" if decision == "connect" else "refused"
    if return_to:
        return Response(303, b"", {"Location": _returned(return_to, slug, back, status)})
    name = _name_of(slug)
    text = f"{name} is connected." if decision == "connect" else f"{name} was not connected."
    return page(200, text, '<p role="status">You can close this page.</p>', about=name)


def _is_from_here(request: Request, site: str) -> bool:
    """False where the browser says that another site sent this."""
    headers = request.headers
    host = headers.get("host", "")
    origin = headers.get("origin", site)
    fetched_from = headers.get("sec-fetch-site", "same-origin")
    return fetched_from == "same-origin" and origin in {site, f"http://{host}", f"https://{host}"}


def _check_invited(slug: str, asked: dict[str, str], state: State) -> None:
    if state.is_ticket(asked.get("invite", ""), "invite", slug):
        return
    if not asked.get("app_key"):
        raise _NoGo(400, "The link has no app key. Ask the application for a new one.")
    try:
        only = state.reach_of_key(asked["app_key"])
    except Refusal:
        raise _NoGo(401, "The link's app key is not accepted here.") from None
    if only not in {None, slug}:
        raise _NoGo(403, "The link's key belongs to another connection.")


def _checked(slug: str | None) -> str:
    try:
        checked = checked_slug(slug)
    except ValidationError:
        raise _NoGo(400, "The link names no provider.") from None
    if checked != slug:
        raise _NoGo(400, "The link names no provider.")
    return checked


def _checked_return(return_to: str) -> str:
    if not return_to:
        return ""
    problem = "The link's return_to is no https address and none of this machine."
    try:
        parts = urlsplit(return_to)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise _NoGo(400, problem) from None
    plain = (
        return_to.isascii() and return_to.isprintable() and not set(return_to) & set(" \\\"'<>;,")
    )
    trusted = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or ""))
    if not (plain and trusted and host) or "@" in parts.netloc:
        raise _NoGo(400, problem)
    return return_to


def _returned(return_to: str, slug: str, state: str, status: str) -> str:
    added = (
        {"state": state, "status": status, "slug": slug}
        if state
        else {"status": status, "slug": slug}
    )
    parts = urlsplit(return_to)
    query = "&".join(part for part in (parts.query, urlencode(added)) if part)
    return urlunsplit(parts._replace(query=query))


def _name_of(slug: str) -> str:
    provider = catalog.provider(slug)
    return provider.name if provider else slug
