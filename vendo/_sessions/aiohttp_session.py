"""An authenticated `aiohttp.ClientSession`: a client middleware over connections that are shared.

A middleware is called for each hop of a request, redirects included, and does not know which hop it
is. So each request gets a middleware of its own, which remembers whether an earlier hop left the
allowed hosts. The host that the caller requests is checked by a trace, at the start of the request.
"""

from __future__ import annotations

import sys
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.payload import AsyncIterablePayload, BytesPayload, IOBasePayload
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from vendo._protocol.tracebacks import cut_tracebacks
from vendo._sessions.hosts import is_same_origin, joined, over_http
from vendo._sessions.policy import MAX_DRAINED, policy_of
from vendo._sessions.rejections import accepts, may_reject, rejects
from vendo._transports.aiohttp_connector import Connector
from vendo._transports.per_loop import PerLoop
from vendo._transports.routes import route_of
from vendo.errors import ValidationError, VendoError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from aiohttp import ClientHandlerType, ClientRequest, ClientResponse

    from vendo._protocol.secret import WireSecret
    from vendo._sessions.policy import Policy
    from vendo._sessions.token_source import AsyncTokenSource


_REDIRECTS = frozenset({301, 302, 303, 307, 308})


async def make_session(
    client: AsyncTokenSource,
    slug: str,
    *,
    hosts: Sequence[str] = (),
    base_url: str | None = None,
    override: bool = False,
) -> aiohttp.ClientSession:
    """Make a session over the connections of a client in this event loop."""
    policy = policy_of(client, slug, hosts, base_url, override=override)
    return VendoClientSession(
        client,
        policy,
        connector=await _connector(client),
        connector_owner=False,
        trace_configs=[_checks(policy)],
        request_class=_TargetRequest if policy.placement.header is None else aiohttp.ClientRequest,
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=client.timeout, sock_read=client.timeout
        ),
    )


class _Quiet:
    """Suppresses aiohttp's warning about subclasses of its session."""

    def __init_subclass__(cls) -> None:
        """Do not warn."""


class VendoClientSession(_Quiet, aiohttp.ClientSession):
    """An `aiohttp.ClientSession` for one provider, with relative URLs as in `VendoSession`."""

    ATTRS = aiohttp.ClientSession.ATTRS | {"_client", "_policy"}

    def __init__(self, client: AsyncTokenSource, policy: Policy, **settings: Any) -> None:
        super().__init__(**settings)
        self._client = client
        self._policy = policy

    def __repr__(self) -> str:
        return f"<VendoClientSession {self._policy.slug!r}>"

    async def _request(self, method: str, str_or_url: str | URL, **how: Any) -> ClientResponse:
        """Do as aiohttp does, with an absolute URL, which tools that replace this see too."""
        middleware = _Middleware(self._client, self._policy)
        how["middlewares"] = (*(how.get("middlewares") or ()), middleware)
        return await super()._request(method, self._absolute(str_or_url), **how)

    def _absolute(self, str_or_url: str | URL) -> str | URL:
        text = str(str_or_url)
        absolute = self._policy.resolve(text)
        if absolute is text:
            return str_or_url
        return URL(absolute, encoded=True) if isinstance(str_or_url, URL) else absolute


class _Middleware:
    """Puts the current token on the hops of one request, and renews it on a 401."""

    def __init__(self, client: AsyncTokenSource, policy: Policy) -> None:
        self._client = client
        self._policy = policy
        #: False from the first hop on that another host gets, or that has the caller's credential.
        self._authenticates = True

    def __repr__(self) -> str:
        return f"<aiohttp middleware of {self._policy.slug!r}>"

    async def __call__(self, request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
        policy, client = self._policy, self._client
        url = str(request.url)
        _choose_proxy(request, url)
        policy.drop_own(request.headers)
        for name, value in policy.placement.missing_headers(request.headers):
            request.headers[name] = value
        if policy.is_authenticated(url, request.headers) or not policy.allows(url):
            self._authenticates = False
        if not self._authenticates:
            return self._relocated(await send(request))
        credential = policy.credential(url, await client._async_token(policy.slug))
        self._put(request, credential)
        response = await _sent(request, send)
        if not await self._is_rejected(response, credential):
            return self._relocated(response, credential)
        try:
            fresh = policy.credential(
                url, await client._async_token(policy.slug, rejected=credential.secret)
            )
        except BaseException:
            response.close()
            raise
        if fresh.secret == credential.secret or not _is_replayable(request.body):
            return response
        self._put(request, fresh)
        await _drain(response)
        response = await _sent(request, send)
        await self._is_rejected(response, fresh)
        return self._relocated(response, fresh)

    async def _is_rejected(self, response: ClientResponse, credential: WireSecret) -> bool:
        """Return True if a response rejects the token, and note it if it shows that it does not.

        A short body is read. `read()` and `json()` still return it.
        """
        provider, status, headers = self._policy.provider, response.status, response.headers
        if status == 401:
            return True
        is_read = response.content_length is not None  # else it may be a stream
        if (
            is_read
            and may_reject(provider, status, headers)
            and rejects(provider, await response.read())
        ):
            return True
        if accepts(provider, status, headers, is_read=is_read):
            self._client._accept(self._policy.slug, credential.secret)
        return False

    def _relocated(
        self, response: ClientResponse, credential: WireSecret | None = None
    ) -> ClientResponse:
        """Change where a redirect leads: without a token in the path, to the local server."""
        name = "Location" if response.headers.get("Location") else "URI"  # aiohttp follows both
        location = response.headers.get(name)
        if not location:
            return response
        to = location
        if self._policy.placement.header is None and credential is not None:
            to = self._policy.placement.bare_location(location, credential.secret)
        if response.status in _REDIRECTS:
            to = self._routed(response, to)
        if to != location:
            headers = CIMultiDict(response.headers)
            headers[name] = to
            # aiohttp has no other way. It reads one of the first two.
            response._headers = response._cache["headers"] = CIMultiDictProxy(headers)
            response._raw_headers = tuple((k.encode(), v.encode()) for k, v in headers.items())
        return response

    def _routed(self, response: ClientResponse, location: str) -> str:
        absolute = joined(str(response.url), location)
        try:
            routed = self._policy.route(absolute)
        except ValidationError:
            response.close()
            raise
        return location if routed == absolute else routed

    def _put(self, request: ClientRequest, credential: WireSecret) -> None:
        if self._policy.placement.header is not None:
            request.headers[self._policy.placement.header] = credential
        elif isinstance(request, _TargetRequest):
            request.target = credential


async def _sent(request: ClientRequest, send: ClientHandlerType) -> ClientResponse:
    handled = sys.exception()
    try:
        return await send(request)
    except BaseException as error:
        cut_tracebacks(error, handled)
        raise


def _checks(policy: Policy) -> aiohttp.TraceConfig:
    """Return the trace of a request: its start, its redirects, its failure."""

    async def begins(
        _session: object, _context: object, sent: aiohttp.TraceRequestStartParams
    ) -> None:
        url = str(sent.url)
        if not policy.is_authenticated(url, sent.headers):
            policy.admit(url)

    async def is_redirected(
        _session: object, _context: object, sent: aiohttp.TraceRequestRedirectParams
    ) -> None:
        # A credential of the caller's own. aiohttp strips only `Authorization`.
        headers = sent.response.headers
        location = headers.get("Location") or headers.get("URI") or ""
        url = str(sent.response.url)
        if not is_same_origin(url, joined(url, location)):
            for name in policy.placement.secret_headers:
                sent.headers.popall(name, None)

    async def has_failed(
        _session: object, _context: object, sent: aiohttp.TraceRequestExceptionParams
    ) -> None:
        # aiohttp replaces an error of ours that is also an OSError.
        ours = sent.exception.__cause__
        if isinstance(ours, VendoError):
            raise ours from None

    checks = aiohttp.TraceConfig()
    checks.on_request_start.append(begins)
    checks.on_request_redirect.append(is_redirected)
    checks.on_request_exception.append(has_failed)
    return checks


class _TargetRequest(aiohttp.ClientRequest):
    """A request whose path on the wire differs from its URL, which is what errors show."""

    target: WireSecret | None = None
    #: The URL without the token, while that with it is being sent to a proxy.
    _shown: URL | None = None

    async def send(self, conn: Any) -> ClientResponse:
        """Do as aiohttp does, with that path."""
        if self.target is None:
            return await super().send(conn)
        url = self._shown = self.url
        if self.proxy and not self.is_ssl():  # it is sent the whole URL
            self.url = URL(f"{url.origin()}{self.target}", encoded=True)
        else:
            self.url = _MaskedURL(url, self.target)  # type: ignore[assignment]  # yarl has no subclasses
        try:
            return await super().send(conn)
        finally:
            self.url = url
            self._shown = None

    @property
    def request_info(self) -> aiohttp.RequestInfo:
        """What responses and errors show of the request."""
        return super().request_info._replace(url=URL(str(self._shown or self.url), encoded=True))


class _MaskedURL:
    """A URL that is sent with another path than it shows."""

    def __init__(self, url: URL, target: WireSecret) -> None:
        self._url = url
        self.raw_path_qs = str(target)

    def __str__(self) -> str:
        return str(self._url)

    def __repr__(self) -> str:
        return repr(self._url)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._url, name)


def _choose_proxy(request: ClientRequest, url: str) -> None:
    """Use the environment's proxy, unless the caller sets one.

    With aiohttp's own `trust_env`, a netrc entry would replace the token.
    """
    if request.proxy is None:
        proxy = route_of(over_http(url))[3]
        if proxy is not None:
            request.update_proxy(URL(proxy.url), None, dict(proxy.headers))


def _is_replayable(body: object) -> bool:
    """True if a second attempt sends the same bytes."""
    if not body or isinstance(body, bytes | BytesPayload):
        return True
    if isinstance(body, aiohttp.MultipartWriter):
        return all(_is_replayable(part) for part, _, _ in body)
    if isinstance(body, AsyncIterablePayload) or not isinstance(body, IOBasePayload):
        return False
    return not getattr(body, "consumed", True)


async def _drain(response: ClientResponse) -> None:
    """Give the connection back if that is cheap, or close it."""
    length = response.content_length
    if length is not None and length <= MAX_DRAINED:
        try:
            await response.read()
        except (aiohttp.ClientError, OSError):
            pass  # the status is what matters
    response.close()


_connectors: WeakKeyDictionary[object, PerLoop[Connector]] = WeakKeyDictionary()


async def _connector(client: AsyncTokenSource) -> Connector:
    return await _connectors.setdefault(client._root, PerLoop(Connector)).get()


async def aclose_connector(client: AsyncTokenSource) -> None:
    """Close the connections that a client's sessions have in this event loop."""
    of_client = _connectors.get(client._root)
    if of_client is not None:
        await of_client.aclose()
