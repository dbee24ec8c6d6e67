"""An authenticated `aiohttp.ClientSession`: a client middleware over connections that are shared.

A middleware is called for each hop of a request, those of redirects included, and cannot tell which
it is. So the host that the caller asks for is checked where aiohttp says that a request begins.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.payload import AsyncIterablePayload, BytesPayload, IOBasePayload
from yarl import URL

from vendo._sessions.hosts import is_same_origin, joined, over_http
from vendo._sessions.policy import MOST_DRAINED, Rules
from vendo._transports.blocking import MAX_IDLE_SECONDS
from vendo._transports.per_loop import PerLoop
from vendo._transports.routes import route_of
from vendo._transports.tls import shared_context
from vendo.errors import VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from vendo._client.asynchronous import AsyncVendo
    from vendo._sessions.placement import Placed


async def make_session(
    client: AsyncVendo, slug: str, *, hosts: Sequence[str] = (), base_url: str | None = None
) -> aiohttp.ClientSession:
    """A session over the connections that the client has in this event loop."""
    rules = Rules(slug, hosts, base_url)
    return VendoClientSession(
        rules,
        connector=await _connector(client),
        connector_owner=False,
        middlewares=[_Middleware(client, rules)],
        trace_configs=[_checks(rules)],
        request_class=_TargetRequest if rules.placement.header is None else aiohttp.ClientRequest,
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=client.timeout, sock_read=client.timeout
        ),
    )


class _Quiet:
    """Comes before aiohttp's session, which warns of classes derived from it for fear that they
    rely on more of it than one method.
    """

    def __init_subclass__(cls) -> None:
        """Say nothing."""


class VendoClientSession(_Quiet, aiohttp.ClientSession):
    """An `aiohttp.ClientSession` for one provider, with relative URLs as in `VendoSession`."""

    ATTRS = aiohttp.ClientSession.ATTRS | {"_rules"}

    def __init__(self, rules: Rules, **settings: Any) -> None:
        super().__init__(**settings)
        self._rules = rules

    def __repr__(self) -> str:
        return f"<VendoClientSession {self._rules.slug!r}>"

    def _build_url(self, str_or_url: str | URL) -> URL:
        text = str(str_or_url)
        absolute = self._rules.resolve(text)
        if absolute is text:
            return URL(str_or_url)
        return URL(absolute, encoded=isinstance(str_or_url, URL))


class _Middleware:
    """Puts the current token on each request to the provider's hosts, and renews it on a 401."""

    def __init__(self, client: AsyncVendo, rules: Rules) -> None:
        self._client = client
        self._rules = rules

    def __repr__(self) -> str:
        return f"<VendoMiddleware {self._rules.slug!r}>"

    async def __call__(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        rules, client = self._rules, self._client
        url = str(request.url)
        _choose_proxy(request, url)
        for name, value in rules.placement.missing_headers(request.headers):
            request.headers[name] = value
        if rules.is_authenticated(url, request.headers) or not rules.allows(url):
            return await send(request)
        placed = rules.placed(url, await client.token(rules.slug))
        self._place(request, placed)
        response = await send(request)
        if response.status != 401:
            return response
        client._refused(rules.slug, placed.token)
        try:
            fresh = rules.placed(url, await client.token(rules.slug))
        except BaseException:
            response.close()
            raise
        if fresh.token == placed.token or not _is_replayable(request.body):
            return response
        self._place(request, fresh)
        await _drain(response)
        return await send(request)

    def _place(self, request: ClientRequest, placed: Placed) -> None:
        if self._rules.placement.header is not None:
            request.headers[self._rules.placement.header] = placed
        elif isinstance(request, _TargetRequest):
            request.target = placed


def _checks(rules: Rules) -> aiohttp.TraceConfig:
    """What is done where a request begins, where it is redirected, and where it fails."""

    async def begins(
        _session: object, _context: object, sent: aiohttp.TraceRequestStartParams
    ) -> None:
        url = str(sent.url)
        if not rules.is_authenticated(url, sent.headers):
            rules.admit(url)

    async def is_redirected(
        _session: object, _context: object, sent: aiohttp.TraceRequestRedirectParams
    ) -> None:
        # A credential of the caller's own, of which aiohttp strips `Authorization` alone.
        headers = sent.response.headers
        location = headers.get("Location") or headers.get("URI") or ""
        url = str(sent.response.url)
        if not is_same_origin(url, joined(url, location)):
            for name in rules.placement.secret_headers():
                sent.headers.popall(name, None)

    async def has_failed(
        _session: object, _context: object, sent: aiohttp.TraceRequestExceptionParams
    ) -> None:
        # One of ours that is an OSError too comes out of aiohttp as an OSError of its own.
        ours = sent.exception.__cause__
        if isinstance(ours, VendoError):
            raise ours from None

    checks = aiohttp.TraceConfig()
    checks.on_request_start.append(begins)
    checks.on_request_redirect.append(is_redirected)
    checks.on_request_exception.append(has_failed)
    return checks


class _TargetRequest(aiohttp.ClientRequest):
    """A request whose path on the wire is another than that of its URL, which goes into errors."""

    target: Placed | None = None

    async def send(self, conn: Any) -> ClientResponse:
        """As in aiohttp, with that path."""
        if self.target is None:
            return await super().send(conn)
        url = self.url
        if self.proxy and not self.is_ssl():  # which is told the whole URL
            self.url = URL(f"{url.origin()}{self.target}", encoded=True)
        else:
            self.url = _MaskedURL(url, self.target)  # type: ignore[assignment]  # yarl has no subclasses
        try:
            return await super().send(conn)
        finally:
            self.url = url

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """What answers and errors show of the request."""
        return super().request_info._replace(url=URL(str(self.url), encoded=True))


class _MaskedURL:
    """A URL that is sent with another path than it shows."""

    def __init__(self, url: URL, target: Placed) -> None:
        self._url = url
        self.raw_path_qs = str(target)

    def __str__(self) -> str:
        return str(self._url)

    def __repr__(self) -> str:
        return repr(self._url)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._url, name)


def _choose_proxy(request: ClientRequest, url: str) -> None:
    """The environment's proxy where the caller names none.

    aiohttp's own `trust_env` would let a netrc entry take the place of the token.
    """
    if request.proxy is None:
        proxy = route_of(over_http(url))[3]
        if proxy is not None:
            request.update_proxy(URL(proxy.url), None, dict(proxy.headers))


def _is_replayable(body: object) -> bool:
    """True where a second try sends the same bytes."""
    if not body or isinstance(body, bytes | BytesPayload):
        return True
    if isinstance(body, aiohttp.MultipartWriter):
        return all(_is_replayable(part) for part, _, _ in body)
    if isinstance(body, AsyncIterablePayload) or not isinstance(body, IOBasePayload):
        return False
    return not getattr(body, "consumed", True)


async def _drain(response: ClientResponse) -> None:
    """Give the connection back where that is cheap, or close it."""
    length = response.content_length
    if length is not None and length <= MOST_DRAINED:
        try:
            await response.read()
        except (aiohttp.ClientError, OSError):
            pass  # the status is what matters
    response.close()


_connectors: WeakKeyDictionary[AsyncVendo, PerLoop[aiohttp.TCPConnector]] = WeakKeyDictionary()


def _new_connector() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(ssl=shared_context(), limit=0, keepalive_timeout=MAX_IDLE_SECONDS)


async def _connector(client: AsyncVendo) -> aiohttp.TCPConnector:
    return await _connectors.setdefault(client._root, PerLoop(_new_connector)).get()


async def aclose_connector(client: AsyncVendo) -> None:
    """Close the connections that a client's sessions have in this event loop."""
    of_client = _connectors.get(client._root)
    if of_client is not None:
        await of_client.aclose()
