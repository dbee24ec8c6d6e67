"""Which page a request gets, and the connect page."""

from __future__ import annotations

import base64
import json
from html import escape
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from vendo._catalog import catalog
from vendo._config.slugs import checked_slug
from vendo._protocol.origins import is_loopback
from vendo.errors import ValidationError
from vendo.testing._http.errors import ApiError
from vendo.testing._http.messages import Response, decoded_pairs
from vendo.testing._pages.layout import page
from vendo.testing._pages.links import CONNECT, name_of
from vendo.testing._pages.overview import overview

TYPE_CHECKING = False
if TYPE_CHECKING:
    from vendo.testing._http.messages import Request
    from vendo.testing._state.state import State


class _PageError(Exception):
    """Show an error page."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


def slug_of(path: str) -> str | None:
    """Return the slug in the path of a connect page, or None for other paths."""
    slug = path.removeprefix(CONNECT)
    return unquote(slug) if slug != path and slug else None


def respond(path: str, request: Request, state: State, site: str) -> Response | None:
    """Return the page at a path, or None if the path is unknown."""
    if path != "/" and not path.startswith(CONNECT):
        return None
    allowed = {"GET", "HEAD"} if path == "/" else {"GET", "HEAD", "POST"}
    if request.method not in allowed:
        response = page(405, "Not possible", "<p>This page does not support the method.</p>")
        response.headers["Allow"] = ", ".join(sorted(allowed))
        return response
    if path == "/":
        return overview(request.parameters().get("q", ""), state, site)
    try:
        slug = _checked(slug_of(path), state)
        if request.method == "POST":
            return _submit(slug, request, state, site)
        return _form(slug, request, state)
    except _PageError as error:
        return page(error.status, "Not possible", f"<p>{escape(error.message)}</p>")


def _form(slug: str, request: Request, state: State) -> Response:
    query = request.parameters()
    _check_access(slug, query, state)
    return_to = _checked_return(query.get("return_to", ""))
    back = query.get("state", "")
    name = escape(name_of(slug))
    host = escape(urlsplit(return_to).netloc)
    afterwards = f"return to {host}" if return_to else "stay on this page"
    # Encoded, because forms change line breaks.
    known = json.dumps([return_to, back, _opener_of(request)])
    visit = base64.urlsafe_b64encode(known.encode()).decode()
    hidden = {"visit": visit, "ticket": state.ticket("decide", slug, visit)}
    inputs = "".join(
        f'<input type="hidden" name="{field}" value="{escape(value)}">'
        for field, value in hidden.items()
    )
    return page(
        200,
        f"Connect {name_of(slug)}",
        f"<p>An application requests access to {name} through Vendo.</p>"
        '<p class="soft">This is a server for development. It does not use real accounts.</p>'
        f"<dl><dt>Provider</dt><dd>{name}</dd>"
        f"<dt>It gets</dt><dd>a token for {name}, renewed while the provider is connected</dd>"
        f"<dt>Then you</dt><dd>{afterwards}</dd></dl>"
        f'<form method="post" action="{CONNECT}{quote(slug, safe="")}">{inputs}'
        '<button class="main" name="decision" value="connect">Connect</button>'
        '<button name="decision" value="deny">Deny</button></form>',
        about=name_of(slug),
        form_target=return_to,
    )


def _submit(slug: str, request: Request, state: State, site: str) -> Response:
    if not _is_from_here(request, site):
        raise _PageError(403, "The form was sent from another site.")
    form = decoded_pairs(request.body.decode("utf-8", "replace"))
    visit = form.get("visit", "")
    if not state.is_ticket(form.get("ticket", ""), "decide", slug, visit):
        raise _PageError(403, "The form has expired. Open the link again.")
    return_to, back, opener = json.loads(base64.urlsafe_b64decode(visit))
    decision = form.get("decision")
    if decision not in {"connect", "deny"}:
        raise _PageError(400, "The form has no decision. Choose Connect or Deny.")
    connection = state.connect_again(slug) if decision == "connect" else None
    status = "connected" if connection else "refused"  # the contract's word
    if return_to:
        return Response(303, b"", {"Location": _returned(return_to, slug, back, status)})
    name = name_of(slug)
    close = '<p role="status">You can close this page.</p>'
    if connection is None:
        return page(200, f"{name} was not connected.", close, about=name)
    message = {
        "type": "vendo:connection-completed",
        "connectionId": connection.id,
        "slug": slug,
        "state": back or None,
    }
    return page(200, f"{name} is connected.", close, about=name, message=(message, opener))


def _opener_of(request: Request) -> str:
    """Return the origin of the page that opened the link, or `*` if its browser does not tell."""
    try:
        parts = urlsplit(request.headers.get("referer", ""))
    except ValueError:
        return "*"
    known = parts.scheme in {"http", "https"} and parts.netloc
    return f"{parts.scheme}://{parts.netloc}" if known else "*"


def _is_from_here(request: Request, site: str) -> bool:
    """Return False if the browser sent the form from another site."""
    headers = request.headers
    host = headers.get("host", "")
    origin = headers.get("origin", site)
    fetched_from = headers.get("sec-fetch-site", "same-origin")
    return fetched_from == "same-origin" and origin in {site, f"http://{host}", f"https://{host}"}


def _check_access(slug: str, query: dict[str, str], state: State) -> None:
    if state.is_ticket(query.get("invite", ""), "invite", slug):
        return
    if not query.get("app_key"):
        raise _PageError(400, "The link has no app key. Open it from the application again.")
    try:
        only = state.scope_of_key(query["app_key"])
    except ApiError:
        raise _PageError(401, "The app key in the link is not accepted.") from None
    if only not in {None, slug}:
        raise _PageError(403, "The key in the link belongs to another connection.")


def _checked(slug: str | None, state: State) -> str:
    try:
        checked = checked_slug(slug)
    except ValidationError:
        raise _PageError(400, "The link does not name a provider.") from None
    if checked != slug:
        raise _PageError(400, "The link does not name a provider.")
    if not state.connections.is_supported(slug):
        hint = catalog.did_you_mean(slug) or "Add it with server.connect() or connections=."
        raise _PageError(404, f"There is no provider {slug!r}. {hint}")
    return checked


def _checked_return(return_to: str) -> str:
    if not return_to:
        return ""
    message = "The return_to in the link must be an https or a loopback address."
    try:
        parts = urlsplit(return_to)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise _PageError(400, message) from None
    plain = (
        return_to.isascii() and return_to.isprintable() and not set(return_to) & set(" \\\"'<>;,")
    )
    trusted = parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host or ""))
    if not (plain and trusted and host) or "@" in parts.netloc:
        raise _PageError(400, message)
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
