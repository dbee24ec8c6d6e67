"""Where a provider's token may go, and how it is put there: one set of rules for all libraries.

No request is sent and no token is fetched here. requests, aiohttp and httpx each ask these rules
at every hop of a request, the first one and those that a redirect leads to.
"""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import quote, urlsplit

from vendo import _environment
from vendo._catalog import BEARER, provider
from vendo._hosts import checked_hosts, is_private, matches, session_origin
from vendo._protocol.origins import DEFAULT_PORTS, given_origin, origin_in
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any, NoReturn

    from vendo._hosts import Pattern
    from vendo._protocol.origins import Origin

#: A refused answer up to this many bytes is read, so that its connection serves for the next try.
MOST_DRAINED = 16 * 1024

_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_MOST_REMEMBERED = 256


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


class Rules:
    """The rules of one provider's session: allowed hosts, base URL, placement of the token.

    Args:
        slug: the provider, a checked slug, in the catalog or not.
        hosts: further hosts, such as `api.example.com`, `*.example.com` or `localhost:8000`.
        base_url: what relative URLs are resolved against, in place of `<SLUG>_BASE_URL` and the
            catalog's; its host is allowed too.

    Raises:
        ValidationError: a host or the base URL is malformed.
    """

    __slots__ = (
        "_base_url",
        "_bound",
        "_hosts",
        "_patterns",
        "_remembered",
        "_variable",
        "header",
        "path_templates",
        "provider",
        "slug",
    )

    def __init__(self, slug: str, hosts: Sequence[str] = (), base_url: str | None = None) -> None:
        self.slug = slug
        self.provider = provider(slug)
        self._base_url = None if base_url is None else given_origin(base_url, "base_url=")
        self._variable = _environment.base_url_variable(slug)
        self._patterns: list[Pattern] = [
            *((host, 443) for host in (self.provider.hosts if self.provider else ())),
            (f"{slug}-proxy.vendo.run", 443),
        ]
        if self._base_url is not None:
            self._patterns.append(session_origin(self._base_url)[1:])
        self._hosts: tuple[Pattern, ...] = ()
        self._add(checked_hosts(hosts))
        #: Where a slug outside the catalog is bound to. A dict, whose `setdefault` no other thread
        #: comes in between.
        self._bound: dict[str, tuple[str, int]] = {}
        self._remembered: dict[tuple[str, str], bool] = {}
        #: The name of the header that carries the token; None where the path does.
        self.header: str | None
        self.path_templates = self.provider.path if self.provider else ()
        if self.path_templates:
            self.header = None
        elif self.provider is None or self.provider.basic is not None:
            self.header = "Authorization"
        else:
            self.header = self.provider.header[0]

    def __repr__(self) -> str:
        return f"<Rules {self.slug!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        return _restored, (self.slug, self._hosts, self._base_url, dict(self._bound))

    def _add(self, hosts: Sequence[Pattern]) -> None:
        self._hosts = (*self._hosts, *hosts)
        self._patterns += hosts

    # URLs

    def base_url(self) -> str | None:
        """What a relative URL is resolved against, without a slash at its end; None for nothing.

        Raises:
            ValidationError: `<SLUG>_BASE_URL` is malformed.
        """
        if self._base_url is not None:
            return self._base_url
        origin = origin_in(self._variable)
        if origin is not None:
            return origin
        return self.provider.base_url if self.provider else None

    def resolve(self, url: str) -> str:
        """The absolute URL of one that may be relative. It is put after the base URL, whether or
        not it begins with a slash.

        Raises:
            ValidationError: it is relative, and there is no base URL.
        """
        url = url.lstrip()
        if _ABSOLUTE.match(url):
            return url
        base = self.base_url()
        if base is None or url.startswith("//"):
            raise ValidationError(
                "validation_failed",
                f"A request of the session for {self.slug} has a URL without scheme and host"
                f"{'' if base else ', and there is no base URL to put before it'}.",
                slug=self.slug,
                suggested_fix="Give the whole URL, from https:// on, or set "
                f"{self._variable.name} or base_url=.",
            )
        return base + url if url[:1] in {"", "?", "#"} else f"{base}/{url.lstrip('/')}"

    def admit(self, url: str) -> None:
        """Make sure that the token may be sent to the host of a URL that the caller asks for.

        Raises:
            ValidationError: it may not. The text says how to allow the host.
        """
        if not self.allows(url) and not self._binds(url):
            self._refuse(url)

    def allows(self, url: str) -> bool:
        """True where the token may be sent to the host of this URL."""
        try:
            parts = urlsplit(url)
            key = (parts.scheme, parts.netloc)
            allowed = self._remembered.get(key)
            if allowed is None:
                allowed = self._remember(key, self._is_listed(session_origin(url)))
            return allowed or self._is_base_or_bound(session_origin(url))
        except ValueError:  # no URL at all
            return False

    def _is_listed(self, origin: Origin) -> bool:
        return is_private(origin) and any(matches(pattern, origin) for pattern in self._patterns)

    def _remember(self, key: tuple[str, str], allowed: bool) -> bool:
        if len(self._remembered) >= _MOST_REMEMBERED:
            self._remembered.clear()
        self._remembered[key] = allowed
        return allowed

    def _is_base_or_bound(self, origin: Origin) -> bool:
        """What follows from the environment as it is now, and from the first request."""
        if not is_private(origin):
            return False
        if self._bound.get("to") == origin[1:]:
            return True
        try:
            base = self.base_url()
        except ValidationError:
            return False  # whoever relies on it is told so, by `admit` or by `resolve`
        return base is not None and origin[1:] == session_origin(base)[1:]

    def _binds(self, url: str) -> bool:
        """Bind a slug that has no list of hosts to the first one that it is used with."""
        if self.provider or self._hosts or self._base_url:
            return False
        try:
            origin = session_origin(url)
        except ValueError:
            return False
        if not origin[1] or not is_private(origin):
            return False
        return self._bound.setdefault("to", origin[1:]) == origin[1:]

    def _refuse(self, url: str) -> NoReturn:
        self.base_url()  # a malformed one is the likelier reason
        try:
            scheme, host, port = origin = session_origin(url)
        except ValueError:
            scheme, host, port = origin = ("", "", 0)
        shown = host[:100] if port == DEFAULT_PORTS.get(scheme) else f"{host[:100]}:{port}"
        if host and not is_private(origin):
            problem = f"The token for {self.slug} is sent over https alone, and not to {shown}"
            fix = "Use https (wss for a WebSocket); plain http goes to this machine only."
        elif host:
            problem = f"The token for {self.slug} is not sent to {shown}"
            fix = f"If the token belongs there: session({self.slug!r}, hosts=[{shown!r}])."
        else:
            problem = f"The token for {self.slug} is not sent to a URL without a host"
            fix = f"Give the whole URL, from https:// on, or set {self._variable.name}."
        raise ValidationError("validation_failed", f"{problem}.", slug=self.slug, suggested_fix=fix)

    # Placement

    def placed(self, url: str, token: str) -> Placed:
        """What carries the token to this URL: the value of `header`, or the target without one.

        Raises:
            ValidationError: the token is one that no request can carry. Neither the text nor a
                frame has it in it, as the errors of the libraries would.
        """
        if not (token.isascii() and token.isprintable()) or token.strip() != token:
            del token  # debug pages show the variables of the frames of an error
            raise self._unsendable()
        return self.target(url, token) if self.header is None else self.value(token)

    def _unsendable(self) -> ValidationError:
        row = self.provider
        names = (_environment.override_variable(self.slug).name, *(row.variables if row else ()))
        return ValidationError(
            "validation_failed",
            f"The token for {self.slug} is not plain ASCII text, so no request can carry it: it "
            "has a character in it, such as a dash out of a formatted text, that is in no token.",
            slug=self.slug,
            suggested_fix=f"Copy the token again to where it comes from: {', '.join(names)} or, "
            "with an API key, the connection at Vendo.",
        )

    def value(self, token: str) -> Placed:
        """The value of the header `header` that carries the token."""
        row = self.provider
        if row is not None and row.basic is not None:
            pair = row.basic.replace("{token}", token).encode()
            return Placed(f"Basic {b64encode(pair).decode()}", token)
        template = BEARER[1] if row is None else row.header_template(token)
        return Placed(template.replace("{token}", token), token)

    def target(self, url: str, token: str) -> Placed:
        """The path and query of a URL, with the token in the path as the provider has it."""
        before, after = self._split_path(url)
        template = max(
            (t for t in self.path_templates if after.startswith(_beginning(t))),
            key=len,
            default=self.path_templates[0],
        )
        rest = after.removeprefix(_beginning(template).rstrip("/"))
        placed = template.replace("{token}", quote(token, safe=":"))
        query = urlsplit(url).query
        return Placed(f"{before}{placed}{rest}{'?' + query if query else ''}", token)

    def _split_path(self, url: str) -> tuple[str, str]:
        """A URL's path, split after the path of the base URL."""
        parts = urlsplit(url)
        path = parts.path or "/"
        base = self.base_url()
        if base is not None and session_origin(base) == session_origin(url):
            prefix = urlsplit(base).path.rstrip("/")
            if prefix and (path == prefix or path.startswith(f"{prefix}/")):
                return prefix, path[len(prefix) :] or "/"
        return "", path

    def is_authenticated(self, url: str, headers: Mapping[str, str]) -> bool:
        """True where the caller wrote a credential of their own on a request: it wins.

        `headers` finds names in upper and lower case alike.
        """
        if "Authorization" in headers:
            return True
        if self.header is not None:
            return self.header in headers
        path = self._split_path(url)[1]
        return any(_holds_token(template, path) for template in self.path_templates)

    def secret_headers(self) -> tuple[str, ...]:
        """The headers that stay behind when a redirect leads to another host."""
        if self.header in {None, "Authorization"}:
            return ("Authorization",)
        return ("Authorization", self.header or "")

    def missing_headers(self, headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """The headers that the provider wants on each request and that this one lacks."""
        for name, value in self.provider.extra_headers.items() if self.provider else ():
            # Every HTTP library says `Accept: */*` by itself: that is nobody's choice.
            if headers.get(name, "*/*" if name.lower() == "accept" else None) in {None, "*/*"}:
                yield name, value


def _restored(
    slug: str, hosts: Sequence[Pattern], base_url: str | None, bound: dict[str, Any]
) -> Rules:
    rules = Rules(slug, base_url=base_url)
    rules._add(hosts)
    rules._bound.update(bound)
    return rules


def _beginning(template: str) -> str:
    """What of a template's path stands before the segment that holds the token."""
    return template[: template.index("{token}")].rpartition("/")[0] + "/"


def _holds_token(template: str, path: str) -> bool:
    before, _, after = template.partition("{token}")
    segment, slash, _ = path.removeprefix(before).partition("/")
    return path.startswith(before) and bool(slash and segment.removesuffix(after))
