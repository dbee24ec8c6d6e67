"""How a provider's token stands in a request: in which header, or where in the path."""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import quote

from vendo._catalog.catalog import BEARER, provider
from vendo._config import environment
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any


class Placed(str):
    """A header's value, or a path, that holds a token. It reads as one in transit alone.

    Headers, requests and responses show it masked in their `repr`, and a pickle of them does not
    hold it.
    """

    __slots__ = ("token",)

    token: str

    def __new__(cls, text: str, token: str) -> Placed:
        placed = super().__new__(cls, text)
        placed.token = token
        return placed

    def __repr__(self) -> str:
        return "'***'"

    def __copy__(self) -> Placed:
        return self

    def __deepcopy__(self, _memo: dict[int, Any]) -> Placed:
        return self

    def __reduce__(self) -> tuple[Any, ...]:
        return str, ("***",)

    def __reduce_ex__(self, _protocol: Any) -> tuple[Any, ...]:
        return self.__reduce__()


class Placement:
    """The place of one provider's token, and what else the provider wants on each request.

    Args:
        slug: the provider, a checked slug, in the catalog or not.
    """

    __slots__ = ("_paths", "_provider", "_slug", "header")

    def __init__(self, slug: str) -> None:
        self._slug = slug
        self._provider = row = provider(slug)
        self._paths = row.path if row else ()
        #: The name of the header that carries the token; None where the path does.
        self.header: str | None
        if self._paths:
            self.header = None
        elif row is None or row.basic is not None:
            self.header = "Authorization"
        else:
            self.header = row.header[0]

    def objection(self, token: str) -> ValidationError | None:
        """Why no request can carry a token; None where one can.

        It does not have the token in it, as the errors of the libraries would.
        """
        if token.isascii() and token.isprintable() and token.strip() == token:
            return None
        row = self._provider
        names = (environment.override_variable(self._slug).name, *(row.variables if row else ()))
        return ValidationError(
            "validation_failed",
            f"The token for {self._slug} is not plain ASCII text, so no request can carry it: it "
            "has a character in it, such as a dash out of a formatted text, that is in no token.",
            slug=self._slug,
            suggested_fix=f"Copy the token again to where it comes from: {', '.join(names)} or, "
            "with an API key, the connection at Vendo.",
        )

    def value(self, token: str) -> Placed:
        """The value of the header `header` that carries the token."""
        row = self._provider
        if row is not None and row.basic is not None:
            pair = row.basic.replace("{token}", token).encode()
            return Placed(f"Basic {b64encode(pair).decode()}", token)
        template = BEARER[1] if row is None else row.header_template(token)
        return Placed(template.replace("{token}", token), token)

    def path(self, path: str, token: str) -> str:
        """A path after the base URL's, with the token in it as the provider has it."""
        template = max(
            (one for one in self._paths if path.startswith(_beginning(one))),
            key=len,
            default=self._paths[0],
        )
        rest = path.removeprefix(_beginning(template).rstrip("/"))
        return template.replace("{token}", quote(token, safe=":")) + rest

    def is_taken(self, headers: Mapping[str, str], path: Callable[[], str]) -> bool:
        """True where a request has a credential of the caller's own.

        `headers` finds names in upper and lower case alike; `path` gives what comes after the
        base URL's, and is asked where headers do not tell.
        """
        if "Authorization" in headers:
            return True
        if self.header is not None:
            return self.header in headers
        after = path()
        return any(_holds_token(template, after) for template in self._paths)

    def secret_headers(self) -> tuple[str, ...]:
        """The headers that stay behind when a redirect leads to another host."""
        if self.header in {None, "Authorization"}:
            return ("Authorization",)
        return ("Authorization", self.header or "")

    def missing_headers(self, headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """The headers that the provider wants on each request and that this one lacks."""
        for name, value in self._provider.extra_headers.items() if self._provider else ():
            # Every HTTP library says `Accept: */*` by itself: that is nobody's choice.
            if headers.get(name, "*/*" if name.lower() == "accept" else None) in {None, "*/*"}:
                yield name, value


def _beginning(template: str) -> str:
    """What of a template's path stands before the segment that holds the token."""
    return template[: template.index("{token}")].rpartition("/")[0] + "/"


def _holds_token(template: str, path: str) -> bool:
    before, _, after = template.partition("{token}")
    segment, slash, _ = path.removeprefix(before).partition("/")
    return path.startswith(before) and bool(slash and segment.removesuffix(after))
