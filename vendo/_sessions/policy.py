"""Where a provider's token may go: one set of rules for all libraries.

No request is sent and no token is fetched here. requests, aiohttp and httpx each ask these rules
at every hop of a request, the first one and those that a redirect leads to.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from vendo._catalog.catalog import provider
from vendo._config import environment
from vendo._protocol.origins import DEFAULT_PORTS, given_origin, origin_in
from vendo._sessions.hosts import checked_hosts, is_private, matches, session_origin
from vendo._sessions.placement import Placed, Placement
from vendo.errors import ValidationError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, NoReturn

    from vendo._catalog.catalog import Provider
    from vendo._config.environment import Variable
    from vendo._protocol.origins import Origin
    from vendo._sessions.hosts import Pattern

#: A refused answer up to this many bytes is read, so that its connection serves for the next try.
MOST_DRAINED = 16 * 1024

_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_MOST_REMEMBERED = 256


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
        "placement",
        "provider",
        "slug",
    )

    def __init__(self, slug: str, hosts: Sequence[str] = (), base_url: str | None = None) -> None:
        self.slug = slug
        self.provider = provider(slug)
        self.placement = Placement(slug)
        self._base_url = None if base_url is None else given_origin(base_url, "base_url=")
        self._variable = environment.base_url_variable(slug)
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
        return usual_base_url(self._variable, self.provider)

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
        """What carries the token to this URL: a header's value, or the target without a header.

        Raises:
            ValidationError: the token is one that no request can carry. Neither the text nor a
                frame has it in it.
        """
        objection = self.placement.objection(token)
        if objection is not None:
            del token  # debug pages show the variables of the frames of an error
            raise objection
        if self.placement.header is not None:
            return self.placement.value(token)
        before, after = self._split_path(url)
        query = urlsplit(url).query
        path = self.placement.path(after, token)
        return Placed(f"{before}{path}{'?' + query if query else ''}", token)

    def is_authenticated(self, url: str, headers: Mapping[str, str]) -> bool:
        """True where the caller wrote a credential of their own on a request: it wins.

        `headers` finds names in upper and lower case alike.
        """
        return self.placement.is_taken(headers, lambda: self._split_path(url)[1])

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


def usual_base_url(variable: Variable, row: Provider | None) -> str | None:
    """A provider's base URL where the session is given none of its own.

    Raises:
        ValidationError: `<SLUG>_BASE_URL`, which is `variable`, is malformed.
    """
    origin = origin_in(variable)
    if origin is not None:
        return origin
    return row.base_url if row else None


def _restored(
    slug: str, hosts: Sequence[Pattern], base_url: str | None, bound: dict[str, Any]
) -> Rules:
    rules = Rules(slug, base_url=base_url)
    rules._add(hosts)
    rules._bound.update(bound)
    return rules
