"""Where a provider's token may go: one policy for all libraries.

It does no I/O. requests, aiohttp and httpx check it at every hop of a request: the first one, and
each redirect.
"""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import urlsplit, urlunsplit

from vendo._catalog.catalog import nearest, provider, provider_at
from vendo._config import environment
from vendo._protocol.origins import DEFAULT_PORTS, given_origin
from vendo._protocol.recordings import mask_in_yaml
from vendo._protocol.secret import Secret, WireSecret
from vendo._sessions.base_urls import DefaultBaseURL, catalog_base_url, would_be_real
from vendo._sessions.hosts import checked_hosts, is_private, known_origin, matches, session_origin
from vendo._sessions.placement import Placement
from vendo.errors import ValidationError, invalid

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, MutableMapping, Sequence
    from typing import Any, NoReturn

    from vendo._protocol.origins import Origin
    from vendo._sessions.hosts import Pattern
    from vendo._sessions.token_source import AsyncTokenSource, TokenSource

#: Bytes of a 401 that are read, so that its connection can be used again.
MAX_DRAINED = 16 * 1024

_ABSOLUTE = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_MAX_REMEMBERED = 256
#: What follows a base URL in a URL below it.
_ENDS = frozenset({"", "/", "?", "#"})


def policy_of(
    client: TokenSource | AsyncTokenSource,
    slug: str,
    hosts: Sequence[str] = (),
    base_url: str | None = None,
    *,
    override: bool = False,
) -> Policy:
    """Make the policy of a client's session, unless the slug looks like a typing error.

    Raises:
        ValidationError: as for `Policy`; or the slug is almost one of the catalog, and nothing
            shows that it is a provider of the caller's own.
    """
    policy = Policy(slug, hosts, base_url, client._local_server, override=override)
    if policy.provider is None and not (hosts or base_url or _is_in_environment(slug)):
        meant = _meant(slug)
        # `openai-eu` is rather a name of the caller's own. In OSS mode it would have a variable.
        is_own_name = meant is not None and (meant in slug or slug in meant)
        if meant is not None and not (is_own_name and client.is_vendo_mode()):
            raise invalid(
                f"The catalog has no provider {slug!r}. Did you mean {meant!r}?",
                slug=slug,
                fix=f"Write {meant!r}. If {slug!r} is a provider of your own, name its hosts, as "
                f"in session({slug!r}, hosts=['api.example.com']).",
            )
    return policy


def _is_in_environment(slug: str) -> bool:
    variables = environment.override_variable(slug), environment.base_url_variable(slug)
    return any(variable.is_set() for variable in variables)


@lru_cache(maxsize=256)
def _meant(slug: str) -> str | None:
    return nearest(slug)


def _nowhere() -> None:
    return None


class Policy:
    """The policy of one provider's session: allowed hosts, base URL, placement of the token.

    With a local server, requests to the provider's hosts are sent to its fake provider instead.

    Args:
        slug: the provider, a checked slug, in the catalog or not.
        hosts: further hosts, such as `api.example.com`, `*.example.com` or `localhost:8000`.
        base_url: resolves relative URLs, in place of `<SLUG>_BASE_URL` and the catalog's. Its host
            is allowed too.
        local_server: returns the origin of the local server that the client uses, or None.
        override: True to replace a credential that a request came with.

    Raises:
        ValidationError: a host or the base URL is malformed, or `override` is not a bool.
    """

    __slots__ = (
        "_base_url",
        "_bound",
        "_default",
        "_hosts",
        "_patterns",
        "_remembered",
        "cleans_urls",
        "local_server",
        "override",
        "placement",
        "provider",
        "slug",
    )

    def __init__(
        self,
        slug: str,
        hosts: Sequence[str] = (),
        base_url: str | None = None,
        local_server: Callable[[], str | None] = _nowhere,
        *,
        override: bool = False,
    ) -> None:
        self.slug = slug
        self.override = _checked_override(override)
        #: Returns the address of the local server, or None.
        self.local_server = local_server
        self.provider = provider(slug)
        self.placement = Placement(slug)
        #: True if a URL may have to lose the credential that it came with.
        self.cleans_urls = self.override and self.placement.is_in_url
        self._base_url = (
            None
            if base_url is None
            else given_origin(base_url, "base_url=", catalog_base_url(self.provider))
        )
        self._default = DefaultBaseURL(slug, self.provider, local_server)
        self._patterns: list[Pattern] = [
            *((host, 443) for host in (self.provider.hosts if self.provider else ())),
            (f"{slug}-proxy.vendo.run", 443),
        ]
        if self._base_url is not None:
            self._patterns.append(session_origin(self._base_url)[1:])
        self._hosts: tuple[Pattern, ...] = ()
        self._add(checked_hosts(hosts))
        #: The host that a slug outside the catalog is bound to. A dict, for its atomic
        #: `setdefault`.
        self._bound: dict[str, tuple[str, int]] = {}
        self._remembered: dict[tuple[str, str], tuple[bool, Origin]] = {}

    def __repr__(self) -> str:
        return f"<Policy {self.slug!r}>"

    def __reduce__(self) -> tuple[Any, ...]:
        bound = dict(self._bound)
        known = (self.slug, self._hosts, self._base_url, self.local_server, self.override)
        return _restored, (*known, bound)

    def _add(self, hosts: Sequence[Pattern]) -> None:
        self._hosts = (*self._hosts, *hosts)
        self._patterns += hosts

    # URLs

    def base_url(self) -> str | None:
        """Return what a relative URL is resolved against, without a trailing slash, or None.

        Raises:
            ValidationError: `<SLUG>_BASE_URL` is malformed.
        """
        if self._base_url is not None:
            return self._base_url
        return self._default.get()

    def resolve(self, url: str) -> str:
        """Return where a request to a URL, which may be relative, is sent.

        A relative URL is appended to the base URL, with or without a slash at its beginning.

        Raises:
            ValidationError: it is relative, and there is no base URL; or as for `route`.
        """
        url = url.lstrip()
        if _ABSOLUTE.match(url):
            return self.route(url)
        base = self.base_url()
        if base is None or url.startswith("//"):
            raise invalid(
                f"A request of the session for {self.slug} has a URL without scheme and host"
                f"{'' if base else ', and there is no base URL'}.",
                slug=self.slug,
                fix="Pass the whole URL, from https:// on, or set "
                f"{self._default.variable.name} or base_url=.",
            )
        separator, path = ("", url) if url[:1] in {"", "?", "#"} else ("/", url.lstrip("/"))
        return self.route(f"{base}{separator}{path}")

    def route(self, url: str) -> str:
        """Return where a request to an absolute URL is sent.

        It is another URL with a local server: no request reaches a host of the catalog then. With
        `override`, it is the URL without the credential that it came with.

        Raises:
            ValidationError: the client uses a local server, and without it the request would
                reach a provider's host that must not get the token.
        """
        if self.cleans_urls:
            url = self._without_credential(url)
        fake = self._default.fake_provider()
        if fake is None:
            return url
        try:
            origin = session_origin(url)
        except ValueError:  # not a URL
            return url
        host = origin[1]
        if provider_at(host) is None and host != f"{self.slug}-proxy.vendo.run":
            return url
        if self.allows(url):
            parts = urlsplit(url)
            query = f"?{parts.query}" if parts.query else ""
            return f"{fake}{parts.path}{query}{f'#{parts.fragment}' if parts.fragment else ''}"
        if any(matches((name, None), origin) for name, _port in self._patterns):
            self._raise_not_allowed(url)  # plain http, or another port
        raise would_be_real(
            self.slug,
            host,
            fix=f"Use a session for that provider, or hosts=[{host!r}] if the host is to mean the "
            f"fake provider of {self.slug}.",
        )

    def admit(self, url: str) -> None:
        """Check that the token may be sent to the host of a URL that the caller requests.

        Raises:
            ValidationError: it may not. The fix shows how to allow the host.
        """
        if not self.allows(url) and not self._binds(url):
            self._raise_not_allowed(url)

    def allows(self, url: str) -> bool:
        """True if the token may be sent to the host of this URL."""
        if self._is_below_base(url):
            return True
        try:
            parts = urlsplit(url)
            key = (parts.scheme, parts.netloc)
            known = self._remembered.get(key) or self._remember(key, session_origin(url))
        except ValueError:  # not a URL
            return False
        allowed, origin = known
        return allowed or self._is_base_or_bound(origin)

    def _is_below_base(self, url: str) -> bool:
        """True for most requests, without parsing their URL."""
        try:
            base = self.base_url()
        except ValidationError:
            return False  # `admit` and `resolve` raise it
        return base is not None and url.startswith(base) and url[len(base) : len(base) + 1] in _ENDS

    def _is_listed(self, origin: Origin) -> bool:
        return is_private(origin) and any(matches(pattern, origin) for pattern in self._patterns)

    def _remember(self, key: tuple[str, str], origin: Origin) -> tuple[bool, Origin]:
        if len(self._remembered) >= _MAX_REMEMBERED:
            self._remembered.clear()
        known = self._remembered[key] = self._is_listed(origin), origin
        return known

    def _is_base_or_bound(self, origin: Origin) -> bool:
        """True for the hosts in the environment now, and for that of the first request."""
        if not is_private(origin):
            return False
        if self._bound.get("to") == origin[1:]:
            return True
        try:
            base = self.base_url()
        except ValidationError:
            return False  # `admit` and `resolve` raise it
        if base is not None and origin[1:] == known_origin(base)[1:]:
            return True
        local = self.local_server()
        return local is not None and origin[1:] == known_origin(local)[1:]

    def _binds(self, url: str) -> bool:
        """Bind a slug without a list of hosts to its first host."""
        if self.provider or self._hosts or self._base_url:
            return False
        try:
            origin = session_origin(url)
        except ValueError:
            return False
        if not origin[1] or not is_private(origin):
            return False
        return self._bound.setdefault("to", origin[1:]) == origin[1:]

    def _raise_not_allowed(self, url: str) -> NoReturn:
        self.base_url()  # if it is malformed, that is the reason
        try:
            scheme, host, port = origin = session_origin(url)
        except ValueError:
            scheme, host, port = origin = ("", "", 0)
        shown = host[:100] if port == DEFAULT_PORTS.get(scheme) else f"{host[:100]}:{port}"
        if host and not is_private(origin):
            problem = f"The token for {self.slug} is not sent over plain http to {shown}"
            fix = "Use https (wss for a WebSocket). Plain http is allowed only to this machine."
        elif host:
            problem = f"The token for {self.slug} is not sent to {shown}"
            fix = f"If the token belongs there: session({self.slug!r}, hosts=[{shown!r}])."
        else:
            problem = f"The token for {self.slug} is not sent to a URL without a host"
            fix = f"Pass the whole URL, from https:// on, or set {self._default.variable.name}."
        raise invalid(f"{problem}.", slug=self.slug, fix=fix)

    # Placement

    def credential(self, url: str, token: str) -> WireSecret:
        """Return what carries a token to a URL: a header's value, or the request target.

        Raises:
            ValidationError: no request can carry the token.
        """
        token = Secret(token)
        mask_in_yaml()
        self.placement.check(token)
        if self.placement.header is not None:
            return self.placement.header_value(token)
        before, after = self._split_path(url)
        query = urlsplit(url).query
        path = self.placement.path(after, token)
        return WireSecret(f"{before}{path}{'?' + query if query else ''}", token)

    def is_authenticated(self, url: str, headers: Mapping[str, str]) -> bool:
        """True if a request has a credential of the caller's own, and it wins.

        `headers` has case-insensitive names.
        """
        if self.override:
            return False
        return self.placement.is_taken(headers, lambda: self._split_path(url)[1])

    def drop_own(self, headers: MutableMapping[str, str], replaced: str | None = None) -> None:
        """With `override`, drop the credentials that a request came with, but for one header.

        Those in the URL are dropped by `route`. `headers` has case-insensitive names.
        """
        if self.override:
            for name in self.placement.secret_headers:
                if name != replaced and name in headers:
                    del headers[name]

    def _without_credential(self, url: str) -> str:
        try:
            parts = urlsplit(url)
            before, after = self._split_path(url)
        except ValueError:  # not a URL
            return url
        path, query = self.placement.without_credential(after, parts.query)
        if (path, query) == (after, parts.query):
            return url
        return urlunsplit(parts._replace(path=f"{before}{path}", query=query))

    def _split_path(self, url: str) -> tuple[str, str]:
        """Split the path of a URL after the path of the base URL."""
        parts = urlsplit(url)
        path = parts.path or "/"
        for base in (self.base_url(), self._default.fake_provider()):
            if base is not None and session_origin(base) == session_origin(url):
                prefix = urlsplit(base).path.rstrip("/")
                if prefix and (path == prefix or path.startswith(f"{prefix}/")):
                    return prefix, path[len(prefix) :] or "/"
        return "", path


def _checked_override(override: object) -> bool:
    if isinstance(override, bool):
        return override
    raise invalid(
        f"override= must be True or False, not a value of type {type(override).__name__}.",
        fix="Write override=True to replace the credential that a request comes with.",
    )


def _restored(
    slug: str,
    hosts: Sequence[Pattern],
    base_url: str | None,
    local_server: Callable[[], str | None],
    override: bool,
    bound: dict[str, Any],
) -> Policy:
    policy = Policy(slug, base_url=base_url, local_server=local_server, override=override)
    policy._add(hosts)
    policy._bound.update(bound)
    return policy
