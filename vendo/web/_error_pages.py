"""The page that a browser gets for one of vendo's errors: what is missing, and what to do."""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

from vendo import errors
from vendo.web._error_responses import ErrorResponse
from vendo.web._exceptions import ConnectForbidden
from vendo.web._next import denied_slug
from vendo.web._providers import provider_name

_OPERATOR = "Ask the operator of this application to set it up."
_TITLES = {
    400: "This link does not work",
    401: "You are not signed in",
    402: "No credits left",
    403: "You may not do this",
    429: "Too many requests",
    501: "Not available here",
    502: "The service does not respond",
    504: "The service does not respond",
}
_DEFAULT_TITLE = "Something went wrong"

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{margin:0;font:1rem/1.5 system-ui,sans-serif;color:#1f2328;background:#fff}"
    "main{box-sizing:border-box;max-width:36rem;margin:0 auto;padding:15vh 1.25rem 2rem;"
    "overflow-wrap:anywhere}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0 0 .75rem}p{margin:0 0 1.25rem}"
    "a.vendo-connect{display:inline-block;padding:.75rem 1.25rem;border-radius:.5rem;"
    "background:#1a56b8;color:#fff;text-decoration:none;font-weight:600}"
    "a.vendo-connect:hover{background:#14438f}"
    "a.vendo-connect:focus-visible{outline:3px solid #1a56b8;outline-offset:3px}"
    "@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}"
    "a.vendo-connect{background:#9ec5ff;color:#0d1117}"
    "a.vendo-connect:hover{background:#c4dcff}"
    "a.vendo-connect:focus-visible{outline-color:#9ec5ff}}"
)


class ErrorPage(NamedTuple):
    """Hold what an error page shows. A template of the application gets it as its variables.

    Attributes:
        status: the HTTP status.
        title: the heading.
        text: what happened, in a sentence.
        hint: what the user can do, or None.
        slug: the provider, or None.
        name: the provider's display name, or None.
        connect_url: the link that connects the provider; None where this user may not.

    Example:
        ```python
        from vendo.web import ErrorPage

        page = ErrorPage(429, "Too many requests", "The provider limits requests.")
        print(page.html())
        ```
    """

    status: int
    title: str
    text: str
    hint: str | None = None
    slug: str | None = None
    name: str | None = None
    connect_url: str | None = None

    def context(self) -> dict[str, Any]:
        """Return the variables of a template.

        Returns:
            Values by the names of the attributes. One without a value is an empty text.

        Example:
            ```python
            from vendo.web import ErrorPage

            page = ErrorPage(429, "Too many requests", "The provider limits requests.")
            print("{title}: {text}{hint}".format(**page.context()))
            ```
        """
        return {name: "" if value is None else value for name, value in self._asdict().items()}

    def html(self) -> str:
        """Return the page as an HTML document. All texts are escaped.

        Returns:
            The document, with a button where `connect_url` is set. It loads nothing else.

        Example:
            ```python
            from vendo.web import ErrorPage

            page = ErrorPage(424, "Gmail is not connected", "This page needs Gmail.")
            print("<h1>Gmail is not connected</h1>" in page.html())  # True
            ```
        """
        parts = [f"<h1>{escape(self.title)}</h1>", f"<p>{escape(self.text)}</p>"]
        if self.hint:
            parts.append(f"<p>{escape(self.hint)}</p>")
        if self.connect_url:
            link = f'<a class="vendo-connect" href="{escape(self.connect_url)}" rel="nofollow">'
            parts.append(f"{link}Connect {escape(self.name or '')}</a>")
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{escape(self.title)}</title>\n<style>{_STYLE}</style>\n</head>\n"
            "<body>\n<main>\n" + "\n".join(parts) + "\n</main>\n</body>\n</html>\n"
        )


def error_page(
    error: errors.VendoError,
    response: ErrorResponse,
    *,
    query: str = "",
    blocked: errors.VendoError | None = None,
    debug: bool = False,
) -> ErrorPage:
    """Return the page that a browser gets for an error.

    Args:
        error: the error.
        response: its response, whose `connect_url` the page offers.
        query: the query of the request. It shows whether the user has just denied the provider.
        blocked: why this user may not connect the provider, or None; see `check_may_connect`.
        debug: whether the page is for developers: it shows what they can do.

    Returns:
        The page, with the texts for a user, or in debug mode for a developer.

    Example:
        ```python
        from vendo import NotConnected
        from vendo.web import error_page, error_response

        error = NotConnected("not_connected", "Gmail is not connected.", slug="gmail")
        response = error_response(error, connect_url="/api/vendo/connect/gmail/")
        page = error_page(error, response)
        print(page.title, page.connect_url)
        ```
    """
    if isinstance(error, errors.NotConnected | errors.NeedsReauth) and error.slug:
        return _connect_page(error, response, query, blocked, debug=debug)
    # Other fixes are for the developers of the application.
    hint = error.suggested_fix if debug or response.status in {400, 401} else None
    if isinstance(error, ConnectForbidden) and not debug:
        hint = f"Ask a user who may connect {provider_name(error.slug or '')}."
    if response.is_internal:
        text, hint = "The application's log has the details.", None
    else:
        text = error.message
    if "Retry-After" in response.headers:
        hint = f"Try again in {response.headers['Retry-After']} seconds."
    title = _TITLES.get(response.status, _DEFAULT_TITLE)
    return ErrorPage(response.status, title, text, hint, error.slug)


def _connect_page(
    error: errors.VendoError,
    response: ErrorResponse,
    query: str,
    blocked: errors.VendoError | None,
    *,
    debug: bool,
) -> ErrorPage:
    slug = error.slug or ""
    name = provider_name(slug)
    if isinstance(error, errors.NeedsReauth):
        title = f"{name} must be connected again"
    else:
        title = f"{name} is not connected"
    text = f"This page needs {name}."
    if denied_slug(query) == slug:
        text = f"You did not connect {name}, and this page needs it."
    link, hint = response.connect_url, None
    if link is None:
        hint = error.suggested_fix if debug else _OPERATOR
    elif blocked is not None:
        link = None
        if debug or isinstance(blocked, errors.IdentityNotPresent):
            hint = blocked.suggested_fix
        else:
            hint = f"Ask a user who may connect {name}."
    return ErrorPage(response.status, title, text, hint, slug, name, link)
