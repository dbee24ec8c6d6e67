"""How a provider's token is placed in a request: in which header, or where in the path."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

from vendo._catalog.catalog import BEARER, provider
from vendo._config import environment
from vendo._protocol.secret import Secret, WireSecret
from vendo.errors import invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Placement:
    """The place of one provider's token, and the other headers that the provider wants.

    Args:
        slug: the provider, a checked slug, in the catalog or not.
    """

    __slots__ = ("_paths", "_provider", "_query", "_slug", "header", "is_in_url", "secret_headers")

    def __init__(self, slug: str) -> None:
        self._slug = slug
        self._provider = row = provider(slug)
        self._paths = row.path if row else ()
        self._query = row.query if row else ()
        #: True if the provider takes a credential in the URL too.
        self.is_in_url = bool(self._paths or self._query)
        #: The name of the header that carries the token; None if the path does.
        self.header: str | None
        if self._paths:
            self.header = None
        elif row is None or row.basic is not None:
            self.header = "Authorization"
        else:
            self.header = row.header[0]
        own = () if self.header in {None, "Authorization"} else (self.header or "",)
        #: The headers that may contain a credential.
        self.secret_headers = ("Authorization", *own, *(row.other_headers if row else ()))

    def check(self, token: Secret) -> None:
        """Check that a request can carry a token.

        Raises:
            ValidationError: it cannot. The libraries would raise an error that contains the token.
        """
        if token.isascii() and token.isprintable() and token.strip() == token:
            return
        row = self._provider
        names = (environment.override_variable(self._slug).name, *(row.variables if row else ()))
        raise invalid(
            f"The token for {self._slug} contains a line break, white space at an end, or a "
            "character outside ASCII, such as a typographic dash, so no request can carry it.",
            slug=self._slug,
            fix=f"Copy the token again into {', '.join(names)} or, with an API key, into the "
            "connection at Vendo.",
        )

    def header_value(self, token: Secret) -> WireSecret:
        """Return the value of the header `header`."""
        row = self._provider
        if row is not None and row.basic is not None:
            pair = row.basic.replace("{token}", token).encode()
            return WireSecret(f"Basic {b64encode(pair).decode()}", token)
        template = BEARER[1] if row is None else row.header_template(token)
        return WireSecret(template.replace("{token}", token), token)

    def path(self, path: str, token: Secret) -> str:
        """Return a path, relative to the base URL's, with the token in it."""
        template = max(
            (one for one in self._paths if path.startswith(_beginning(one))),
            key=len,
            default=self._paths[0],
        )
        rest = path.removeprefix(_beginning(template).rstrip("/"))
        return template.replace("{token}", quote(token, safe=":")) + rest

    def bare_location(self, location: str, token: Secret) -> str:
        """Return where a redirect leads without the token, which a provider may repeat in it."""
        for template in sorted(self._paths, key=len, reverse=True):
            for form in (quote(token, safe=":"), quote(token, safe=""), token.reveal()):
                sent = template.replace("{token}", form)
                location = location.replace(sent, _beginning(template)[:-1])
        return location

    def is_taken(self, headers: Mapping[str, str], path: Callable[[], str]) -> bool:
        """True if a request has a credential of the caller's own.

        Args:
            headers: the headers, with case-insensitive names.
            path: returns the path relative to the base URL's. It is called if needed.
        """
        if "Authorization" in headers:
            return True
        if self.header is not None:
            return self.header in headers
        after = path()
        return any(_holds_token(template, after) for template in self._paths)

    def without_credential(self, path: str, query: str) -> tuple[str, str]:
        """Return a path, relative to the base URL's, and a query without a credential in them."""
        for template in sorted(self._paths, key=len, reverse=True):
            prefix = template.partition("{token}")[0]
            _, slash, rest = path.removeprefix(prefix).partition("/")
            if path.startswith(prefix) and slash:
                path = _beginning(template) + rest
                break
        fields = query.split("&")
        return path, "&".join(one for one in fields if one.partition("=")[0] not in self._query)

    def missing_headers(self, headers: Mapping[str, str]) -> Sequence[tuple[str, str]]:
        """Return the headers that the provider wants on each request, and this one lacks."""
        if self._provider is None or not self._provider.extra_headers:
            return ()
        return [
            (name, value)
            for name, value in self._provider.extra_headers.items()
            # Every HTTP library adds `Accept: */*` itself, which is not a choice of the caller.
            if headers.get(name, "*/*" if name.lower() == "accept" else None) in {None, "*/*"}
        ]


def _beginning(template: str) -> str:
    """Return the part of a template before the segment with the token."""
    return template[: template.index("{token}")].rpartition("/")[0] + "/"


def _holds_token(template: str, path: str) -> bool:
    before, _, after = template.partition("{token}")
    segment, slash, _ = path.removeprefix(before).partition("/")
    return path.startswith(before) and bool(slash and segment.removesuffix(after))
